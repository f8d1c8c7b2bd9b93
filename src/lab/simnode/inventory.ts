import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { CommandResult } from './agent.ts';

/**
 * What the commands of a discovery print on a simulated node: outputs captured on a virtual server, with the node's own
 * serial number, MAC, UUID and BMC put in.
 */
export interface NodeFacts {
  readonly serial: string;
  readonly mac: string;
  readonly uuid: string;
  readonly bmcAddress: string;
}

/** Answers a command line; undefined for one that was never captured. */
export type Inventory = (command: string, facts: NodeFacts) => CommandResult | undefined;

/** First words of a command -> file of its captured output. */
const captured: readonly (readonly [prefix: string, file: string])[] = [
  ['dmidecode', 'dmidecode.txt'],
  ['lshw', 'lshw.json'],
  ['lsblk', 'lsblk.json'],
  ['lspci', 'lspci.txt'],
  ['lldpcli', 'lldp.json'],
  ['ohai', 'ohai.json'],
  ['drive-id', 'drive-id.json'],
  ['ipmitool lan print', 'lan-print.txt'],
  ['ipmitool fru', 'fru.txt'],
  ['ipmitool -c sdr', 'sdr.csv'],
  ['ipmitool sdr', 'sdr.csv'],
  ['ipmitool sel', 'sel.csv'],
];

/** Reads the captured outputs once; nodes share them. */
export async function readInventory(directory = join(import.meta.dirname, 'inventory')): Promise<Inventory> {
  const outputs = await Promise.all(
    captured.map(async ([prefix, file]) => [prefix, await readFile(join(directory, file), 'utf8')] as const),
  );
  return (command, facts) => {
    const output = outputs.find(([prefix]) => command.startsWith(prefix))?.[1];
    if (output === undefined) return undefined;
    return { code: 0, stdout: personal(output, facts), stderr: '' };
  };
}

function personal(output: string, { serial, mac, uuid, bmcAddress }: NodeFacts): string {
  return output
    .replaceAll('@SERIAL@', serial)
    .replaceAll('@MAC@', mac)
    .replaceAll('@MAC2@', mac.replace(/^52:54:00/, '52:54:02'))
    .replaceAll('@UUID@', uuid)
    .replaceAll('@BMC_ADDRESS@', bmcAddress)
    .replaceAll('@BMC_MAC@', mac.replace(/^52:54:00/, '52:54:01'));
}

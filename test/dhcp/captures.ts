import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { readDatagrams, type CapturedDatagram } from '../support/pcap.ts';

const folder = fileURLToPath(new URL('../fixtures/pcap/', import.meta.url));

/** Names of the captures, without their ending. */
export const captures = readdirSync(folder)
  .filter((name) => name.endsWith('.pcap'))
  .map((name) => name.replace('.pcap', ''));

/** Every DHCP message of a capture. */
export function dhcpOf(capture: string): CapturedDatagram[] {
  return readDatagrams(`${folder}${capture}.pcap`).filter(({ toPort }) => [67, 68, 4011].includes(toPort));
}

import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { RackwrightError } from '../errors.ts';
import { ipv4ToBytes } from '../net/address.ts';
import type { BmcFiles } from './bmc-config.ts';
import { emulatorConfig, lanAnswers, lanConfig } from './bmc-config.ts';
import type { LabProcess, SpawnProcess } from './children.ts';
import { fruImage } from './fru.ts';
import type { NodeIdentity } from './identity.ts';
import { runOk } from './run.ts';
import { sensorRecords } from './sdr.ts';
import { waitFor } from './wait.ts';

const ipmiPort = 623;

/** 2020-09-19 16:00 in minutes since 1996. */
const manufacturedMinutes = 13_000_000;

export interface BmcDeps {
  readonly identity: NodeIdentity;
  /** Directory of the node; the BMC's files go beneath. */
  readonly nodeDir: string;
  /** Socket on which the lab's owner takes chassis commands. */
  readonly controlSocket: string;
  readonly spawn: SpawnProcess;
}

export function bmcFiles(nodeDir: string): BmcFiles {
  const dir = join(nodeDir, 'bmc');
  return {
    dir,
    lan: join(dir, 'lan.conf'),
    emulator: join(dir, 'sim.emu'),
    state: join(dir, 'state'),
    fru: join(dir, 'fru.bin'),
    sensors: join(dir, 'bmc.sdrs'),
    log: join(dir, 'ipmi_sim.log'),
    temperature1: join(dir, 'temp1'),
    temperature2: join(dir, 'temp2'),
    fan1: join(dir, 'fan1'),
  };
}

/**
 * Starts a BMC: OpenIPMI's ipmi_sim, RMCP+ on UDP 623 of its address, in-band KCS, serial-over-LAN. Resolves when it
 * listens; throws code `bmc` with what it said. Users that were changed live on in its state and win over ours.
 */
export async function startBmc(deps: BmcDeps): Promise<LabProcess> {
  const files = bmcFiles(deps.nodeDir);
  await writeFiles(deps, files);
  const argv = ['ipmi_sim', '-n', '-c', files.lan, '-f', files.emulator, '-s', files.state];
  const simulator = await deps.spawn({ name: `bmc${deps.identity.number}`, argv, logFile: files.log, cwd: files.dir });
  const listening = async (): Promise<true | undefined> => {
    if (!simulator.alive()) throw new RackwrightError('bmc', 'ipmi_sim ended at once');
    return (await listensOnUdp(simulator.id.pid, deps.identity.bmcAddress, ipmiPort)) ? true : undefined;
  };
  try {
    await waitFor('ipmi_sim', listening, { deadlineMs: 10_000 });
  } catch (error) {
    const said = (await readFile(files.log, 'utf8')).slice(-1000);
    throw new RackwrightError('bmc', `the BMC of node ${deps.identity.number} did not start: ${said}`, {
      cause: error,
    });
  }
  return simulator;
}

async function writeFiles(deps: BmcDeps, files: BmcFiles): Promise<void> {
  const { identity } = deps;
  const records = join(files.state, 'ipmi_sim', `node${identity.number}`);
  await mkdir(records, { recursive: true });
  const answers = join(files.dir, 'lan-answers');
  const chassis = join(files.dir, 'chassis.sh');
  const lan = join(files.dir, 'lan-config.sh');
  const callbacks = {
    chassis: `${chassis} ${deps.controlSocket} ${identity.number}`,
    lanConfig: `${lan} ${answers}`,
  };
  const script = async (name: string): Promise<string> => await readFile(new URL(name, import.meta.url), 'utf8');
  await Promise.all([
    writeFile(chassis, await script('./chassis.sh'), { mode: 0o700 }),
    writeFile(lan, await script('./lan-config.sh'), { mode: 0o700 }),
    writeFile(answers, lanAnswers(identity)),
    writeFile(files.lan, lanConfig(identity, callbacks)),
    writeFile(files.emulator, emulatorConfig(identity, files)),
    writeFile(files.temperature1, '38\n'),
    writeFile(files.temperature2, '24\n'),
    writeFile(files.fan1, '42\n'),
    writeFile(files.fru, fru(identity)),
    writeFile(files.sensors, sensorRecords()),
  ]);
  await runOk(['sdrcomp', '-o', join(records, 'sdr.20.main'), files.sensors]);
}

function fru(identity: NodeIdentity): Uint8Array {
  const { vendor, product, serial, board, asset } = identity;
  return fruImage({
    chassis: { partNumber: 'CH-1', serial: `${serial}-CH` },
    board: {
      manufacturedMinutes,
      manufacturer: vendor,
      product: board,
      serial: `${serial}-MB`,
      partNumber: 'PN-BOARD',
    },
    product: { manufacturer: vendor, name: product, partNumber: 'PN-1000', version: 'A0', serial, asset },
  });
}

/** Whether somebody in the process's network namespace is bound to the UDP port (`/proc/PID/net/udp`, proc(5)). */
async function listensOnUdp(pid: number, address: string, port: number): Promise<boolean> {
  const table = await readFile(`/proc/${pid}/net/udp`, 'latin1').catch(() => '');
  // The address is the 32-bit number as the machine holds it: little-endian.
  const hex = Buffer.from(ipv4ToBytes(address).toReversed()).toString('hex').toUpperCase();
  return table.includes(` ${hex}:${port.toString(16).toUpperCase().padStart(4, '0')} `);
}

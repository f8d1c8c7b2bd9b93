import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { RackwrightError } from '../../errors.ts';
import { lastLines } from '../tail.ts';
import { waitFor } from '../wait.ts';
import { createFleet, type Fleet } from './fleet.ts';
import { readInventory } from './inventory.ts';
import type { SimFaults } from './node.ts';
import { openRelay } from './relay.ts';

/**
 * A rack of simulated machines and a real server over loopback: real sockets, real Redis, real BMC protocol, no
 * privilege but for port 623. Several worlds live side by side by their number.
 */
export interface WorldOptions {
  /** 1 to 90: chooses the world's loopback network and ports. */
  readonly number: number;
  /** An empty directory for the server's data and log. */
  readonly directory: string;
  readonly count: number;
  /** Program and arguments of the server; `--config FILE` is added. */
  readonly serverCommand: readonly string[];
  readonly microkernelDir: string;
  /** BMCs on port 623 (needs a privilege). */
  readonly bmcs: boolean;
  /** Port of the API; default by the world's number. */
  readonly adminPort?: number;
  /** More of the server's configuration, by section. */
  readonly config?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  readonly faults?: (index: number) => SimFaults | undefined;
  readonly onStep?: (index: number, step: string) => void;
}

export interface World {
  /** Of the API. */
  readonly url: string;
  readonly fleet: Fleet;
  /** Starts the server, or starts it again; resolves when it is healthy. */
  startServer(): Promise<void>;
  /** SIGKILL to the server: nothing of it is asked. */
  killServer(): Promise<void>;
  serverPid(): number | undefined;
  close(): Promise<void>;
}

const startDeadlineMs = 30_000;

export async function openWorld(options: WorldOptions): Promise<World> {
  const { directory, count, bmcs } = options;
  const network = networkOf(options);
  const ports = portsOf(options);
  const configFile = join(directory, 'rackwright.yaml');
  await mkdir(directory, { recursive: true });
  await writeFile(configFile, stringify(worldConfig(options)));
  const server = createChild(options, { configFile, url: `http://127.0.0.1:${ports.admin}` });
  await server.start();
  const relay = await openRelay({ address: `${network}.0.2`, server: { address: `${network}.0.1`, port: ports.dhcp } });
  const close = async (): Promise<void> => {
    await relay.close();
    await server.stop();
  };
  try {
    const fleet = await createFleet({
      count,
      relay,
      tftpPort: ports.tftp,
      inventory: await readInventory(),
      ...(bmcs ? { firstBmc: `${network}.192.1` } : {}),
      ...(options.faults ? { faults: options.faults } : {}),
      ...(options.onStep ? { onStep: options.onStep } : {}),
    });
    return {
      url: `http://127.0.0.1:${ports.admin}`,
      fleet,
      startServer: server.start,
      killServer: server.kill,
      serverPid: server.pid,
      async close() {
        await fleet.close();
        await close();
        await endOrphanedRedis(directory);
      },
    };
  } catch (error) {
    await close();
    throw error;
  }
}

function networkOf({ number }: Pick<WorldOptions, 'number'>): string {
  return `127.${30 + number}`;
}

function portsOf({ number, adminPort }: Pick<WorldOptions, 'number' | 'adminPort'>): {
  admin: number;
  http: number;
  dhcp: number;
  proxy: number;
  tftp: number;
} {
  const base = 21_000 + number * 10;
  return { admin: adminPort ?? base, http: base + 1, dhcp: base + 2, proxy: base + 3, tftp: base + 4 };
}

/** The configuration of a world's server. */
export function worldConfig(
  options: Pick<WorldOptions, 'number' | 'directory' | 'microkernelDir' | 'adminPort' | 'config'>,
): Readonly<Record<string, unknown>> {
  const network = networkOf(options);
  const { admin, http, dhcp, proxy, tftp } = portsOf(options);
  const subnet = {
    cidr: `${network}.0.0/16`,
    addresses: true,
    boot: true,
    pools: [`${network}.1.0-${network}.127.255`],
  };
  const base: Record<string, Readonly<Record<string, unknown>>> = {
    admin: { port: admin },
    southbound: {
      ...{ address: `${network}.0.1`, httpPort: http, dhcpPort: dhcp, proxyDhcpPort: proxy, tftpPort: tftp },
      allowOtherServers: true,
      subnets: [subnet],
    },
    bmc: { networks: [`${network}.192.0/18`] },
    microkernel: { dir: options.microkernelDir },
  };
  const more = Object.entries(options.config ?? {}).map(([section, values]) => [
    section,
    { ...base[section], ...values },
  ]);
  return { dataDir: join(options.directory, 'data'), ...base, ...(Object.fromEntries(more) as object) };
}

interface Child {
  readonly start: () => Promise<void>;
  readonly stop: () => Promise<void>;
  readonly kill: () => Promise<void>;
  readonly pid: () => number | undefined;
}

function createChild(
  { serverCommand, directory }: WorldOptions,
  { configFile, url }: { configFile: string; url: string },
): Child {
  let child: ChildProcess | undefined;
  const logFile = join(directory, 'server.log');
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    if (child?.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill(signal);
    await exited;
  };
  return {
    pid: () => child?.pid,
    stop: () => end('SIGTERM'),
    kill: () => end('SIGKILL'),
    async start() {
      const [program = '', ...args] = serverCommand;
      const log = openSync(logFile, 'a');
      const started = spawn(program, [...args, '--config', configFile], { stdio: ['ignore', log, log] });
      closeSync(log);
      child = started;
      const healthy = async (): Promise<true | undefined> => {
        if (started.exitCode !== null)
          throw new RackwrightError('server', `the server ended; its log ends:\n${await lastLines(logFile, 20)}`);
        const answer = await fetch(`${url}/healthz`).catch(() => undefined);
        return answer?.status === 200 ? true : undefined;
      };
      await waitFor('/healthz of the server', healthy, { deadlineMs: startDeadlineMs, stepMs: 50 });
    },
  };
}

/** A server that was killed, and not started again, left its redis-server behind. */
async function endOrphanedRedis(directory: string): Promise<void> {
  const pidFile = join(directory, 'data/redis/redis.pid');
  const pid = Number(await readFile(pidFile, 'utf8').catch(() => ''));
  if (!Number.isInteger(pid) || pid <= 1) return;
  const commandLine = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
  if (commandLine.includes(directory)) process.kill(pid, 'SIGTERM');
}

/**
 * How fast a large file leaves the server over a pair of virtual Ethernet devices, for 1 and 20 clients, beside Debian's
 * nginx with sendfile; how many bytes for each second of processor time; and how long the API and DHCP make people wait
 * meanwhile.
 * The clients are in a network namespace of their own, and all cost the same (programs/discard.pl).
 */
import { execFile, execFileSync, spawn } from 'node:child_process';
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { waitFor } from '../../src/lab/wait.ts';
import { fillNodes } from '../support/fill-nodes.ts';
import { askRepeatedly } from '../support/keep-alive.ts';
import { requireProgram } from '../support/netns.ts';
import { openServerPlace, type ServerPlace } from '../support/server.ts';
import { watch, type Started } from '../support/started.ts';
import type { DhcpLoad } from './programs/dhcp-load.ts';
import { inTurns, median, quantile, report } from './report.ts';

const run = promisify(execFile);
const address = '10.77.0.1';
const farAddress = '10.77.0.2';
const fileBytes = 1 << 30;
const seconds = 3;
const ourPort = 9080;
const nginxPort = 8080;
/** Each from DISCOVER to ACK. */
const dhcpClients = 2_000;
const subnet = { cidr: '10.77.0.0/16', addresses: true, boot: true, pools: ['10.77.16.1-10.77.255.250'] };
const path = '/files/microkernel/image';

interface Fetched {
  readonly bytes: number;
  readonly seconds: number;
  /** Of the server's processes. */
  readonly cpuSeconds: number;
}

/** Fetches from a port, for so long, from the other end of the cable. */
type Fetch = (port: number, connections: number, seconds: number) => Promise<Omit<Fetched, 'cpuSeconds'>>;

interface Cable {
  readonly fetch: Fetch;
  /** Exchanges of so many DHCP clients behind a relay there, a few at once. */
  readonly lease: (clients: number) => Promise<DhcpLoad>;
  readonly close: () => void;
}

/** The cable, with its other end in a namespace that is there as long as a process that we hold. */
async function layCable(): Promise<Cable> {
  const holder = watch(spawn('unshare', ['-n', 'sh', '-c', 'echo there; exec cat'], { stdio: 'pipe' }));
  await holder.until(/there/);
  const inside = ['-t', String(holder.process.pid), '-n'];
  const there = (...command: string[]): Buffer => execFileSync('nsenter', [...inside, ...command]);
  execFileSync('ip', ['link', 'add', 'veth0', 'type', 'veth', 'peer', 'name', 'veth1', 'netns', inside[1] ?? '']);
  execFileSync('ip', ['address', 'add', `${address}/16`, 'dev', 'veth0']);
  execFileSync('ip', ['link', 'set', 'veth0', 'up']);
  there('ip', 'address', 'add', `${farAddress}/16`, 'dev', 'veth1');
  there('ip', 'link', 'set', 'veth1', 'up');
  const program = join(import.meta.dirname, 'programs/discard.pl');
  return {
    fetch: async (...[port, connections, duration]) => {
      const numbers = [port, path, connections, duration].map(String);
      const { stdout } = await run('nsenter', [...inside, 'perl', program, address, ...numbers]);
      return JSON.parse(stdout) as Omit<Fetched, 'cpuSeconds'>;
    },
    lease: async (clients) => {
      const load = join(import.meta.dirname, 'programs/dhcp-load.ts');
      const numbers = [clients, 4, 1].map(String);
      const { stdout } = await run('nsenter', [...inside, process.execPath, load, address, farAddress, ...numbers]);
      return JSON.parse(stdout) as DhcpLoad;
    },
    close: () => {
      holder.process.stdin?.end();
    },
  };
}

function startNginx(directory: string, root: string): Started {
  const file = join(directory, 'nginx.conf');
  writeFileSync(
    file,
    `user root; worker_processes auto; daemon off; pid ${directory}/nginx.pid; error_log stderr;
     events { worker_connections 768; }
     http {
       access_log off; sendfile on; tcp_nopush on;
       server { listen ${address}:${nginxPort}; location /files/microkernel/ { alias ${root}/; } }
     }`,
  );
  return watch(spawn('nginx', ['-c', file, '-p', directory], { stdio: 'pipe' }));
}

/** Processor time of a process and of all that it started, so far. */
function cpuSeconds(root: number): number {
  const stats = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ').map(Number) ?? [];
        return [{ pid: Number(pid), parent: fields[1], ticks: (fields[11] ?? 0) + (fields[12] ?? 0) }];
      } catch {
        // It ended between the listing and the reading.
        return [];
      }
    });
  const sum = (pid: number): number =>
    (stats.find((one) => one.pid === pid)?.ticks ?? 0) / 100 +
    stats.filter(({ parent }) => parent === pid).reduce((total, child) => total + sum(child.pid), 0);
  return sum(root);
}

interface Server {
  readonly pid: number;
  readonly port: number;
}

async function compare(fetch: Fetch, servers: { ours: Server; peer: Server }): Promise<void> {
  const measure = (server: Server, connections: number) => async (): Promise<Fetched> => {
    const before = cpuSeconds(server.pid);
    const fetched = await fetch(server.port, connections, seconds);
    return { ...fetched, cpuSeconds: cpuSeconds(server.pid) - before };
  };
  for (const connections of [1, 20]) {
    const [ours, peer] = [measure(servers.ours, connections), measure(servers.peer, connections)];
    await ours();
    await peer();
    const all = await inTurns({ ours, peer });
    const each = (pick: (one: Fetched) => number) => ({ ours: all.ours.map(pick), peer: all.peer.map(pick) });
    const rate = each((one) => one.bytes / one.seconds / 1e6);
    report({ name: `http-${connections}`, ...rate, unit: 'MB/s', bar: { atLeast: 0.5 } });
    if (connections === 20) {
      process.stdout.write(`      bar: at least 1250 MB/s: ${median(rate.ours) >= 1250 ? 'met' : 'MISSED'}\n`);
    }
    const perCpu = each((one) => one.bytes / one.cpuSeconds / 1e6);
    report({ name: `http-${connections}-per-cpu`, ...perCpu, unit: 'MB/cpu-s' });
  }
}

/** The API while 20 clients fetch, beside the API while nobody does. */
async function compareApi(fetch: Fetch, apiPort: number): Promise<void> {
  for (const connections of [1, 16]) {
    const p99 = async (): Promise<number> => {
      const load = { port: apiPort, path: '/nodes?type=compute', connections, milliseconds: seconds * 1000 };
      return quantile((await askRepeatedly(load)).timesMs, 0.99);
    };
    const meanwhile = async (): Promise<number> => {
      const fetching = fetch(ourPort, 20, seconds + 1);
      const value = await p99();
      await fetching;
      return value;
    };
    await p99();
    const all = await inTurns({ ours: meanwhile, peer: p99 });
    report({ name: `http-20-api-p99-${connections}-conn`, ...all, unit: 'ms' });
    process.stdout.write(`      bar: at most 50 ms: ${median(all.ours) < 50 ? 'met' : 'MISSED'}\n`);
  }
}

/** DHCP while 20 clients fetch, beside DHCP while nobody does. */
async function compareDhcp({ fetch, lease }: Cable): Promise<void> {
  const alone = async (): Promise<readonly number[]> => (await lease(dhcpClients)).timesMs;
  const meanwhile = async (): Promise<readonly number[]> => {
    const ended = new AbortController();
    const fetching = (async () => {
      while (!ended.signal.aborted) await fetch(ourPort, 20, seconds);
    })();
    const timesMs = await alone();
    ended.abort();
    await fetching;
    return timesMs;
  };
  await alone();
  const all = await inTurns({ ours: meanwhile, peer: alone });
  for (const [name, q] of [
    ['p50', 0.5],
    ['p99', 0.99],
  ] as const) {
    const each = (rounds: readonly (readonly number[])[]) => rounds.map((timesMs) => quantile(timesMs, q));
    report({ name: `http-20-dhcp-${name}`, ours: each(all.ours), peer: each(all.peer), unit: 'ms' });
  }
}

async function openPlace(): Promise<{ place: ServerPlace; root: string }> {
  const place = openServerPlace(61, {
    roles: ['dhcp', 'southbound', 'api'],
    log: { level: 'warn' },
    southbound: { address, httpPort: ourPort, dhcpPort: 67, subnets: [subnet] },
  });
  const root = join(place.directory, 'files');
  mkdirSync(root);
  mkdirSync(place.dataDir, { mode: 0o700 });
  await fillNodes(join(place.dataDir, 'rackwright.db'), 10_000);
  execFileSync('sh', ['-c', `head -c ${fileBytes} /dev/urandom >"$1"`, 'sh', join(root, 'image')]);
  return { place, root };
}

async function bench(): Promise<void> {
  requireProgram('nginx', 'nginx-light');
  requireProgram('perl', 'perl-base');
  const cable = await layCable();
  const { place, root } = await openPlace();
  try {
    const server = place.serve('--microkernel-dir', root);
    await place.healthy(server);
    const nginx = startNginx(place.directory, root);
    const reached = () => cable.fetch(nginxPort, 1, 0).catch(() => undefined);
    await waitFor('nginx', reached, { deadlineMs: 10_000 });
    const [ours, peer] = [server, nginx].map(({ process }) => process.pid ?? 0) as [number, number];
    await compare(cable.fetch, { ours: { pid: ours, port: ourPort }, peer: { pid: peer, port: nginxPort } });
    await compareApi(cable.fetch, Number(new URL(place.url).port));
    await nginx.stop();
    await compareDhcp(cable);
  } finally {
    await place.close();
    cable.close();
  }
}

/** The server's end of the cable is in a namespace too, which is gone when this process is. */
if (process.argv[2] === 'inside') await bench();
else {
  const inside = 'ip link set lo up && exec "$@"';
  const command = ['-n', 'sh', '-c', inside, 'sh', process.execPath, import.meta.filename, 'inside'];
  execFileSync('unshare', command, { stdio: 'inherit' });
}

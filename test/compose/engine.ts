import { mkdirSync, readdirSync, readFileSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { execFile, spawn } from 'node:child_process';
import { run, type RunOptions, type RunResult } from '../../src/lab/run.ts';
import { waitFor } from '../../src/lab/wait.ts';
import { scratchDirectory } from '../support/socket-path.ts';
import { watch, type Started } from '../support/started.ts';

/** A Docker engine of the test's own, on a network of its own: the machine's rules, interfaces and images stay as they are. */
export interface Engine {
  /** Runs one of Docker's clients. Throws if it does not end well. */
  readonly docker: (argv: readonly string[], deadlineMs?: number) => Promise<string>;
  /** Runs a program where the engine's published ports are, as on the machine itself. */
  readonly onHost: (argv: readonly string[], options?: RunOptions) => Promise<RunResult>;
  /** Starts a program there; it dies with this process at the latest. */
  readonly startOnHost: (argv: readonly string[]) => Started;
  /** Takes the route to the outside away. */
  readonly cutOff: () => Promise<void>;
  /** Ends it and all its containers. What was built stays in the cache. */
  readonly stop: () => Promise<void>;
}

const cache = join(import.meta.dirname, '../../.cache/compose');
const cgroup = 'rackwright-compose';
/** Debian's client comes first: docker-compose 1.29 builds with whichever is found, and BuildKit must be in it. */
const searchPath = `/usr/bin:${process.env.PATH ?? ''}`;

/** Of each program that is used, the Debian package. */
const packages = {
  dockerd: 'docker.io',
  'docker-compose': 'docker-compose',
  iptables: 'iptables',
  slirp4netns: 'slirp4netns',
  mmdebstrap: 'mmdebstrap',
  javac: 'openjdk-17-jdk-headless',
};

/** Starts the engine. Needs root; throws naming the Debian packages that are missing. */
export async function startEngine(): Promise<Engine> {
  await assertInstalled();
  mkdirSync(join(cache, 'docker'), { recursive: true });
  const scratch = scratchDirectory();
  const daemon = startDaemon(scratch.path);
  let outside: Started | undefined;
  const cutOff = async (): Promise<void> => {
    await outside?.stop('SIGTERM');
  };
  let clients: Clients | undefined;
  const stop = async (): Promise<void> => {
    if (clients) await clear(clients).catch(() => undefined);
    const pid = childOf(daemon.process.pid);
    // The engine itself, since the program around it does not hand signals on.
    if (pid !== undefined) process.kill(pid, 'SIGTERM');
    await waitFor('the end of the engine', () => ended(daemon), { deadlineMs: 30_000 }).catch(() => undefined);
    await daemon.stop('SIGKILL');
    await cutOff();
    removeCgroups();
    scratch.remove();
  };
  try {
    const target = await waitFor('the engine’s process', () => childOf(daemon.process.pid), { deadlineMs: 10_000 });
    outside = start(['slirp4netns', '--configure', '--disable-host-loopback', target.toString(), 'tap0']);
    const made = clientsOf(scratch.path, target);
    await waitFor('the engine', async () => await answers(made, daemon), { deadlineMs: 60_000, stepMs: 200 });
    clients = made;
    // What a run that was killed left; its containers are started again with the engine.
    await clear(made);
    return { ...made, cutOff, stop };
  } catch (error) {
    await stop();
    throw new Error(`the engine did not start:\n${daemon.output().slice(-2000)}`, { cause: error });
  }
}

/**
 * The engine lives in namespaces of its own, of processes too: when it dies, or this process, nothing of it is left. The
 * lock keeps two test runs from one cache.
 */
function startDaemon(dir: string): Started {
  const around = ['flock', '--no-fork', '--nonblock', join(cache, 'lock')];
  const namespaces = ['unshare', '--net', '--mount', '--pid', '--fork', '--kill-child', '--mount-proc'];
  const dockerd = [
    ...['dockerd', '--host', `unix://${join(dir, 'docker.sock')}`, '--pidfile', join(dir, 'dockerd.pid')],
    ...['--data-root', join(cache, 'docker'), '--exec-root', join(dir, 'exec'), '--cgroup-parent', `/${cgroup}`],
    // slirp4netns answers there, whatever the machine's own name server is.
    ...['--dns', '10.0.2.3'],
  ];
  return start([...around, ...namespaces, 'sh', '-c', 'ip link set lo up && exec "$@"', 'sh', ...dockerd]);
}

/** Starts a program that dies with this process. */
function start(argv: readonly string[]): Started {
  return watch(spawn('setpriv', ['--pdeathsig', 'KILL', ...argv], { stdio: ['ignore', 'pipe', 'pipe'] }));
}

type Clients = Pick<Engine, 'docker' | 'onHost' | 'startOnHost'>;

function clientsOf(dir: string, target: number): Clients {
  const env = {
    ...process.env,
    PATH: searchPath,
    DOCKER_HOST: `unix://${join(dir, 'docker.sock')}`,
    // No login of the machine's user, no plugin.
    DOCKER_CONFIG: join(dir, 'client'),
    DOCKER_BUILDKIT: '1',
    COMPOSE_DOCKER_CLI_BUILD: '1',
    COMPOSE_PROJECT_NAME: 'rackwright',
  };
  const there = ['nsenter', `--net=/proc/${target}/ns/net`];
  return {
    docker: async (argv, deadlineMs = 60_000) => await runClient(argv, { env, deadlineMs }),
    onHost: async (argv, options) => await run([...there, ...argv], options),
    startOnHost: (argv) => start([...there, ...argv]),
  };
}

async function runClient(
  [program = '', ...args]: readonly string[],
  { env, deadlineMs }: { readonly env: NodeJS.ProcessEnv; readonly deadlineMs: number },
): Promise<string> {
  return await new Promise((resolve, reject) => {
    const settings = { env, timeout: deadlineMs, killSignal: 'SIGKILL', maxBuffer: 64 * 1024 * 1024 } as const;
    execFile(program, args, settings, (error, stdout, stderr) => {
      if (error === null) resolve(stdout);
      else reject(new Error(`${program} ${args.join(' ')}: ${stderr.slice(-3000)}`, { cause: error }));
    });
  });
}

/** Removes all but images that have a name, and what the builder keeps. */
async function clear({ docker }: Clients): Promise<void> {
  const containers = (await docker(['docker', 'ps', '--all', '--quiet'])).split('\n').filter((id) => id !== '');
  if (containers.length > 0) await docker(['docker', 'rm', '--force', '--volumes', ...containers]);
  for (const kind of ['volume', 'network', 'image']) await docker(['docker', kind, 'prune', '--force'], 300_000);
}

async function answers({ docker }: Clients, daemon: Started): Promise<true | undefined> {
  if (ended(daemon)) throw new Error('it ended at once (does another test run use the cache?)');
  return await docker(['docker', 'version']).then(
    () => true,
    () => undefined,
  );
}

function ended({ process }: Started): true | undefined {
  return process.exitCode !== null || process.signalCode !== null ? true : undefined;
}

/** The only child of a process (proc(5), `/proc/PID/task/TID/children`). */
function childOf(pid: number | undefined): number | undefined {
  if (pid === undefined) return undefined;
  try {
    const [child] = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ');
    return child ? Number(child) : undefined;
  } catch {
    return undefined;
  }
}

async function assertInstalled(): Promise<void> {
  const missing: string[] = [];
  for (const [program, name] of Object.entries(packages)) {
    const { code } = await run(['sh', '-c', 'command -v "$1"', 'sh', program]);
    if (code !== 0) missing.push(name);
  }
  if (missing.length > 0) throw new Error(`apt-get install --no-install-recommends ${missing.join(' ')}`);
}

/** Groups outlive their processes. One that somebody is in cannot be removed. */
function removeCgroups(): void {
  const root = '/sys/fs/cgroup';
  for (const hierarchy of [root, ...readdirSync(root).map((name) => join(root, name))]) {
    for (const group of [cgroup, 'docker/buildkit', 'docker']) removeTree(join(hierarchy, group));
  }
}

function removeTree(dir: string): void {
  try {
    for (const entry of readdirSync(dir, { withFileTypes: true })) {
      if (entry.isDirectory() && dir.includes(cgroup)) removeTree(join(dir, entry.name));
    }
    rmdirSync(dir);
  } catch {
    // Not there, or in use by an engine that is not ours.
  }
}

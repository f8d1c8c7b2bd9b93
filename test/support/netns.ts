import { execFile, execFileSync, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { watch, type Started } from './started.ts';

export type { Started } from './started.ts';

/** A network namespace with one interface, `eth0`, on the test's own bridge. */
export interface Host {
  readonly namespace: string;
  readonly mac: string;
  /** Runs a program in the namespace to its end. Killed after `timeoutMs` (default 20 s). */
  run(command: readonly string[], options?: { timeoutMs?: number; input?: string }): Promise<Finished>;
  /** Starts a program in the namespace; `close` ends it if it has not ended by then. */
  start(command: readonly string[]): Started;
}

export interface Finished {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Namespaces joined by a bridge and cut off from everything else. */
export interface TestNet<Name extends string = string> {
  readonly hosts: Readonly<Record<Name, Host>>;
  /** Ends every program that was started and still runs: for after each test. */
  endPrograms(): Promise<void>;
  /** Ends them, and removes every namespace. */
  close(): Promise<void>;
}

let counter = 0;

/**
 * Makes one namespace per name, each with `eth0` (up, with the given address, as `10.0.0.1/24`, if any) on one bridge.
 * Everything is removed by `close`; what a killed test run left behind is removed by the next. Needs root and the
 * package iproute2.
 */
export async function createTestNet<Name extends string>(
  addresses: Readonly<Record<Name, string | undefined>>,
): Promise<TestNet<Name>> {
  assertCanMakeNamespaces();
  removeLeftovers();
  const prefix = `rwt-${process.pid}-${++counter}`;
  const bridge = `${prefix}-br`;
  const namespaces: string[] = [];
  const running = new Set<Started>();
  const endPrograms = async (): Promise<void> => {
    await Promise.all([...running].map((started) => started.stop('SIGKILL')));
  };
  const close = async (): Promise<void> => {
    await endPrograms();
    for (const name of namespaces.splice(0)) removeNamespace(name);
  };
  const add = async (name: string): Promise<void> => {
    await ip('netns', 'add', name);
    namespaces.push(name);
    await ip('-n', name, 'link', 'set', 'lo', 'up');
  };
  try {
    await add(bridge);
    await ip('-n', bridge, 'link', 'add', 'br0', 'type', 'bridge', 'stp_state', '0', 'forward_delay', '0');
    await ip('-n', bridge, 'link', 'set', 'br0', 'up');
    const hosts = {} as Record<Name, Host>;
    for (const [index, name] of (Object.keys(addresses) as Name[]).entries()) {
      const namespace = `${prefix}-${name}`;
      const mac = `52:54:00:77:${hex(counter)}:${hex(index + 1)}`;
      await add(namespace);
      const port = `port${index}`;
      await ip('-n', bridge, 'link', 'add', port, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', namespace);
      await ip('-n', bridge, 'link', 'set', port, 'master', 'br0', 'up');
      await ip('-n', namespace, 'link', 'set', 'eth0', 'address', mac, 'up');
      const address = addresses[name];
      if (address !== undefined) await ip('-n', namespace, 'address', 'add', address, 'brd', '+', 'dev', 'eth0');
      hosts[name] = createHost(namespace, mac, running);
    }
    return { hosts, endPrograms, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Throws, naming the package, if a program that a test needs is not installed. */
export function requireProgram(program: string, debianPackage: string): void {
  try {
    execFileSync('sh', ['-c', 'PATH="$PATH:/usr/sbin:/sbin" command -v "$1"', 'sh', program], { stdio: 'ignore' });
  } catch {
    throw new Error(`this test needs '${program}': apt-get install --no-install-recommends ${debianPackage}`);
  }
}

function assertCanMakeNamespaces(): void {
  requireProgram('ip', 'iproute2');
  if (process.getuid?.() !== 0) throw new Error('this test makes network namespaces: run it as root');
}

function createHost(namespace: string, mac: string, running: Set<Started>): Host {
  const prefix = ['netns', 'exec', namespace];
  return {
    namespace,
    mac,
    run: (command, { timeoutMs = 20_000, input } = {}) =>
      new Promise((resolve, reject) => {
        const options = { timeout: timeoutMs, killSignal: 'SIGKILL' as const };
        const child = execFile('ip', [...prefix, ...command], options, (error, stdout, stderr) => {
          if (error !== null && typeof error.code !== 'number') {
            reject(new Error(`${command.join(' ')} did not end by itself:\n${stdout}${stderr}`, { cause: error }));
          } else resolve({ code: (error?.code as number | undefined) ?? 0, stdout, stderr });
        });
        child.stdin?.end(input);
      }),
    start: (command) => {
      const started = watch(spawn('ip', [...prefix, ...command], { stdio: ['ignore', 'pipe', 'pipe'] }));
      running.add(started);
      started.process.once('exit', () => running.delete(started));
      return started;
    },
  };
}

function hex(value: number): string {
  return (value % 256).toString(16).padStart(2, '0');
}

function ip(...args: string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    execFile('ip', args, (error, _stdout, stderr) => {
      if (error === null) resolve();
      else reject(new Error(`ip ${args.join(' ')}: ${stderr.trim()}`, { cause: error }));
    });
  });
}

/** Removes the namespaces, and what still runs in them, of test processes that are no more. */
function removeLeftovers(): void {
  const names = execFileSync('ip', ['netns', 'list'], { encoding: 'utf8' }).match(/^rwt-\d+-\S+/gm) ?? [];
  for (const name of names) {
    const owner = /^rwt-(\d+)-/.exec(name)?.[1] ?? '';
    if (!existsSync(`/proc/${owner}`)) removeNamespace(name);
  }
}

function removeNamespace(name: string): void {
  try {
    for (const pid of execFileSync('ip', ['netns', 'pids', name], { encoding: 'utf8' }).match(/\d+/g) ?? []) {
      process.kill(Number(pid), 'SIGKILL');
    }
    execFileSync('ip', ['netns', 'del', name], { stdio: 'ignore' });
  } catch {
    // The namespace, or a process in it, is gone already: that is what was wanted. The next test run tries again.
  }
}

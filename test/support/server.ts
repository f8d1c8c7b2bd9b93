import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { stringify } from 'yaml';
import { worldConfig } from '../../src/lab/simnode/world.ts';
import { waitFor } from '../../src/lab/wait.ts';
import { watch, type Started } from './started.ts';

const home = resolve(import.meta.dirname, '../..');

/** Starts `rackwright` with these arguments as a child. `environment` is added to the test's own. */
export function startRackwright(
  args: readonly string[],
  environment: Readonly<Record<string, string | undefined>> = {},
): Started {
  const env = { ...process.env, ...environment };
  return watch(
    spawn(process.execPath, [join(home, 'src/main.ts'), ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] }),
  );
}

/** One option of a section, or a whole top-level option, in place of the world's. */
type Overrides = Readonly<Record<string, unknown>>;

/** A place for servers of one configuration, with everything that they may leave behind. */
export interface ServerPlace {
  readonly directory: string;
  readonly dataDir: string;
  readonly configFile: string;
  /** Of the API. */
  readonly url: string;
  /** Starts `serve` with the configuration, and more flags. */
  serve(...flags: string[]): Started;
  /** Resolves when /healthz answers 200; throws the output of a server that ended first. */
  healthy(server: Started): Promise<void>;
  /** Ids of all processes that work in the place: what is left of servers. */
  processes(): number[];
  /** Ends what is left, and removes everything. */
  close(): Promise<void>;
}

/** As a world of that number, without machines. `overrides` are by section (`{ admin: { port: 1 } }`) or option. */
export function openServerPlace(number: number, overrides: Overrides = {}): ServerPlace {
  const directory = mkdtempSync(join(tmpdir(), 'rw-serve-'));
  const configFile = join(directory, 'rackwright.yaml');
  const base = worldConfig({ number, directory, microkernelDir: join(home, 'test/fixtures/microkernel') });
  writeFileSync(configFile, stringify(merged(base, overrides)));
  const running: Started[] = [];
  const processes = () => processesNaming(directory);
  const url = `http://127.0.0.1:${(base.admin as { port: number }).port}`;
  return {
    directory,
    dataDir: base.dataDir as string,
    configFile,
    url,
    processes,
    serve(...flags) {
      const server = startRackwright(['serve', '--config', configFile, ...flags]);
      running.push(server);
      return server;
    },
    async healthy(server) {
      const isHealthy = async (): Promise<true | undefined> => {
        if (server.process.exitCode !== null) throw new Error(`the server ended:\n${server.output()}`);
        const answer = await fetch(`${url}/healthz`).catch(() => undefined);
        return answer?.status === 200 ? true : undefined;
      };
      await waitFor('/healthz', isHealthy, { deadlineMs: 30_000 });
    },
    async close() {
      await Promise.all(running.map((server) => server.stop('SIGKILL')));
      for (const pid of processes()) process.kill(pid, 'SIGKILL');
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

function merged(base: Overrides, overrides: Overrides): Overrides {
  const isSection = (value: unknown): value is Overrides =>
    typeof value === 'object' && value !== null && !Array.isArray(value);
  const entries = Object.entries(overrides).map(([key, value]) => {
    const section = base[key];
    return [key, isSection(value) && isSection(section) ? { ...section, ...value } : value];
  });
  return { ...base, ...(Object.fromEntries(entries) as Overrides) };
}

/** Processes whose command line names a path. A managed redis-server shows its socket there. */
function processesNaming(path: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid && commandLine(name).includes(path))
    .map(Number);
}

/** The managed redis-server that works below a path. */
export function redisOf(path: string): number | undefined {
  return processesNaming(path).find((pid) => commandLine(String(pid)).startsWith('redis-server'));
}

/** Memory of a process that is in RAM (VmRSS), in bytes. */
export function residentBytes(pid: number | undefined): number {
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid ?? 0}/status`, 'utf8'))?.[1]) * 1024;
}

function commandLine(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    // It ended between the listing and the reading.
    return '';
  }
}

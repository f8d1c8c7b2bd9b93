import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, readFile, readlink, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { RackwrightError, describeError } from '../errors.ts';
import type { Log } from '../log.ts';

/**
 * A `redis-server` of our own, on a unix socket in the data directory that nobody else may enter. It outlives a server
 * that was killed, and the next server adopts it; an orderly stop ends it.
 */
export interface ManagedRedis {
  /** Path of the socket. */
  readonly path: string;
  /** Starts or adopts it, and keeps it running. Throws where `redis-server` is missing or does not come up. */
  readonly start: () => Promise<void>;
  readonly stop: () => Promise<void>;
  /** Whether it answers now. */
  readonly ping: () => Promise<boolean>;
}

export interface ManagedRedisDeps {
  readonly dataDirectory: string;
  readonly log: Log;
  /** The program; default `redis-server`. */
  readonly program?: string;
}

/** sun_path holds 108 bytes with its terminating zero (unix(7)). */
const longestSocketPath = 107;
const startMs = 10_000;
const watchMs = 500;

export function createManagedRedis({ dataDirectory, log, program = 'redis-server' }: ManagedRedisDeps): ManagedRedis {
  const directory = join(dataDirectory, 'redis');
  const path = join(directory, 'redis.sock');
  const stopping = new AbortController();
  let watching: Promise<void> | undefined;

  const launch = async (): Promise<void> => {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    await chmod(directory, 0o700);
    await awaitSilent(path, directory);
    const pid = await findOurs(path, directory);
    if (pid !== undefined) {
      log.info({ event: 'redis.adopted', pid }, 'adopted the redis-server that was there');
      return;
    }
    await spawnRedis(program, directory, path);
    log.info({ event: 'redis.started', path }, 'redis-server started');
  };
  const watch = async (): Promise<void> => {
    for (;;) {
      const waited = await sleep(watchMs, true, { signal: stopping.signal, ref: false }).catch(() => false);
      if (!waited) return;
      if ((await findOurs(path, directory)) !== undefined) continue;
      log.warn({ event: 'redis.died' }, 'redis-server died: starting it again');
      await launch().catch((error: unknown) => {
        log.error({ event: 'redis.failed', error: describeError(error) }, 'redis-server could not be started again');
      });
    }
  };
  return {
    path,
    ping: async () => (await findOurs(path, directory)) !== undefined,
    start: async () => {
      if (Buffer.byteLength(path) > longestSocketPath) {
        const message = `the path of the socket ${path} is too long (${longestSocketPath} bytes at most): use a shorter data directory`;
        throw new RackwrightError('redis-path', message);
      }
      await launch();
      watching = watch();
    },
    stop: async () => {
      stopping.abort();
      await watching;
      await shutDown(path, directory);
    },
  };
}

/**
 * A second server on the same files would spoil them, so one that lives and does not answer is waited for, and ended
 * only if it stays silent.
 */
async function awaitSilent(path: string, directory: string): Promise<void> {
  const pid = Number(await readFile(join(directory, 'redis.pid'), 'utf8').catch(() => ''));
  const deadline = Date.now() + startMs;
  while (pid > 0 && (await worksIn(pid, directory)) && (await findOurs(path, directory)) === undefined) {
    if (Date.now() > deadline) process.kill(pid, 'SIGKILL');
    await sleep(50);
  }
}

/** Whether the process lives and has the directory for its own: process ids are used again, directories are not. */
async function worksIn(pid: number, directory: string): Promise<boolean> {
  return readlink(`/proc/${pid}/cwd`).then(
    async (cwd) => cwd === (await realpath(directory)),
    () => false,
  );
}

async function spawnRedis(program: string, directory: string, path: string): Promise<void> {
  const settings = {
    port: '0',
    unixsocket: path,
    unixsocketperm: '700',
    dir: directory,
    pidfile: join(directory, 'redis.pid'),
    logfile: join(directory, 'redis.log'),
    appendonly: 'yes',
    save: '',
    'maxmemory-policy': 'noeviction',
    daemonize: 'no',
  };
  const args = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]);
  // In a process group of its own: what kills this server does not kill the queue.
  const child = spawn(program, args, { detached: true, stdio: 'ignore', cwd: directory });
  const failed = once(child, 'error').then(([cause]: unknown[]) => missing(program, cause));
  const exited = once(child, 'exit').then(
    ([code]: unknown[]) =>
      new RackwrightError('redis', `${program} ended with code ${String(code)}: see ${settings.logfile}`),
    () => undefined,
  );
  child.unref();
  const deadline = Date.now() + startMs;
  for (;;) {
    const fault = await Promise.race([failed, exited, sleep(20)]);
    if (fault) throw fault;
    if ((await findOurs(path, directory)) !== undefined) return;
    if (Date.now() > deadline) {
      throw new RackwrightError(
        'redis',
        `${program} did not answer within ${startMs / 1000} s: see ${settings.logfile}`,
      );
    }
  }
}

function missing(program: string, cause: unknown): RackwrightError {
  const hint = `${program} cannot be run: install it with 'apt-get install redis-server', or set redis.url`;
  return new RackwrightError('redis-missing', hint, { cause });
}

/** The process id of the server behind the socket, if it answers and keeps its data in our directory. */
async function findOurs(path: string, directory: string): Promise<number | undefined> {
  return ask(path, async (client) => {
    const [, dir = ''] = (await client.config('GET', 'dir')) as string[];
    if (dir !== (await realpath(directory)) && dir !== directory) return undefined;
    const pid = /^process_id:(\d+)/m.exec(await client.info('server'))?.[1];
    return pid === undefined ? undefined : Number(pid);
  });
}

/** Asks one question over a connection of its own; undefined where nobody answers. */
async function ask<T>(path: string, question: (client: Redis) => Promise<T>): Promise<T | undefined> {
  const client = new Redis({
    path,
    lazyConnect: true,
    retryStrategy: () => null,
    maxRetriesPerRequest: 0,
    connectTimeout: 1_000,
    commandTimeout: 2_000,
  });
  // Refused connections are an expected answer; the promise says so too.
  client.on('error', () => undefined);
  try {
    await client.connect();
    return await question(client);
  } catch {
    return undefined;
  } finally {
    client.disconnect();
  }
}

/** Ends our server in order, so that its append-only file is whole; waits until it is gone. */
async function shutDown(path: string, directory: string): Promise<void> {
  const pid = await findOurs(path, directory);
  if (pid === undefined) return;
  await ask(path, (client) => client.shutdown('NOSAVE'));
  const deadline = Date.now() + startMs;
  while (await worksIn(pid, directory)) {
    if (Date.now() > deadline) {
      process.kill(pid, 'SIGKILL');
      return;
    }
    await sleep(20);
  }
}

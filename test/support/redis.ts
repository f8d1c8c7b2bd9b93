import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { pino } from 'pino';
import { createManagedRedis, type ManagedRedis } from '../../src/workflows/redis.ts';

export interface TestRedis extends ManagedRedis {
  readonly dataDirectory: string;
  /** The process id of the server that answers now. */
  readonly pid: () => Promise<number>;
  /** SIGKILL. */
  readonly kill: () => Promise<number>;
  readonly remove: () => Promise<void>;
}

/** A `redis-server` of the product's own kind, in a directory of its own, started. Needs apt-get install redis-server. */
export async function openRedis(): Promise<TestRedis> {
  const dataDirectory = await mkdtemp(join(tmpdir(), 'rw-redis-'));
  const redis = createManagedRedis({ dataDirectory, log: pino({ level: 'silent' }) });
  await redis.start();
  const pid = async (): Promise<number> => {
    const client = new Redis({ path: redis.path, retryStrategy: (tries) => Math.min(tries * 20, 200) });
    client.on('error', () => undefined);
    try {
      return Number(/process_id:(\d+)/.exec(await client.info('server'))?.[1]);
    } finally {
      client.disconnect();
    }
  };
  return {
    ...redis,
    dataDirectory,
    pid,
    kill: async () => {
      const killed = await pid();
      process.kill(killed, 'SIGKILL');
      return killed;
    },
    remove: async () => {
      await redis.stop();
      await rm(dataDirectory, { recursive: true, force: true });
    },
  };
}

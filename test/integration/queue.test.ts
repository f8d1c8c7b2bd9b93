import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { pino } from 'pino';
import { createQueue, type Queue } from '../../src/workflows/queue.ts';
import { createManagedRedis } from '../../src/workflows/redis.ts';
import type { Hint } from '../../src/workflows/stepper.ts';
import { openRedis, type TestRedis } from '../support/redis.ts';

const log = pino({ level: 'silent' });
const hint = (attempt: number, label = 'a'): Hint => ({ runId: 'r1', label, attempt });

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await sleep(10);
}

describe('managed redis-server', () => {
  let redis: TestRedis;
  beforeAll(async () => {
    redis = await openRedis();
  });
  afterAll(() => redis.remove());

  it('keeps its socket where nobody else may go', async () => {
    expect((await stat(join(redis.dataDirectory, 'redis'))).mode & 0o777).toBe(0o700);
    expect((await stat(redis.path)).mode & 0o777).toBe(0o700);
  });

  it('is adopted by the next server', async () => {
    const before = await redis.pid();
    const next = createManagedRedis({ dataDirectory: redis.dataDirectory, log });
    await next.start();
    expect(await redis.pid()).toBe(before);
    await next.stop();
  });

  it('is started again when it dies', async () => {
    const killed = await redis.kill();
    expect(await redis.pid()).not.toBe(killed);
  });

  it('a missing program is said with the command that installs it', async () => {
    const dataDirectory = await mkdtemp(join(tmpdir(), 'rw-redis-'));
    const none = createManagedRedis({ dataDirectory, log, program: '/nowhere/redis-server' });
    await expect(none.start()).rejects.toThrow(/apt-get install redis-server/);
    await rm(dataDirectory, { recursive: true });
  });

  it('a socket path that the kernel cannot take is refused with the reason', async () => {
    const long = createManagedRedis({ dataDirectory: `/tmp/${'x'.repeat(100)}`, log });
    await expect(long.start()).rejects.toThrow(/too long/);
  });
});

describe('queue', () => {
  let redis: TestRedis;
  let queues: Queue[] = [];
  const open = (): Queue => {
    const queue = createQueue({ redis: { path: redis.path }, log });
    queues.push(queue);
    return queue;
  };
  beforeEach(async () => {
    redis = await openRedis();
  });
  afterEach(async () => {
    await Promise.all(queues.map((queue) => queue.close()));
    queues = [];
    await redis.remove();
  });

  it('hands each hint over once, and takes the same one again afterwards', async () => {
    const queue = open();
    const seen: string[] = [];
    for (let i = 0; i < 5; i += 1) queue.add(hint(1, 'a:b/c'));
    queue.add(hint(2));
    await sleep(200);
    queue.process(4, ({ label, attempt }) => {
      seen.push(`${label}${attempt}`);
      return Promise.resolve();
    });
    await until(() => seen.length === 2);
    expect(seen.sort()).toEqual(['a2', 'a:b/c1']);
    queue.add(hint(2));
    await until(() => seen.length === 3);
    expect(seen[2]).toBe('a2');
  });

  it('goes on after redis-server was killed', async () => {
    const queue = open();
    const seen: number[] = [];
    queue.process(1, ({ attempt }) => {
      seen.push(attempt);
      return Promise.resolve();
    });
    queue.add(hint(1));
    await until(() => seen.includes(1));
    await redis.kill();
    queue.add(hint(2));
    await redis.pid();
    // As the sweep does.
    await until(() => {
      if (!seen.includes(2)) queue.add(hint(2));
      return seen.includes(2);
    });
    expect(seen.filter((attempt) => attempt === 1)).toHaveLength(1);
  });

  it('gives a hint again that a worker took into its death', async () => {
    const first = open();
    let taken = 0;
    first.process(1, () => {
      taken += 1;
      return new Promise(() => undefined);
    });
    first.add(hint(1));
    await until(() => taken === 1);
    await first.close();
    // As it would be when its lock has expired.
    const client = new Redis({ path: redis.path });
    for (const key of await client.keys('*:lock')) await client.del(key);
    client.disconnect();
    const second = open();
    const seen: number[] = [];
    second.process(1, ({ attempt }) => {
      seen.push(attempt);
      return Promise.resolve();
    });
    await until(async () => {
      second.add(hint(1));
      await sleep(100);
      return seen.length > 0;
    });
    expect(seen).toEqual([1]);
  });

  it('closes though Redis is away', async () => {
    const queue = open();
    queue.process(1, () => Promise.resolve());
    expect(await queue.ping()).toBe(true);
    await redis.stop();
    expect(await queue.ping()).toBe(false);
    queue.add(hint(1));
    await expect(queue.close()).resolves.toBeUndefined();
  });
});

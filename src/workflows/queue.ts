import Bull from 'bull';
import { Redis, type RedisOptions } from 'ioredis';
import { describeError } from '../errors.ts';
import type { Log } from '../log.ts';
import type { Hint } from './stepper.ts';

/**
 * Hints for workers, on Bull. Nothing here is the truth: a hint that is lost is given again by the sweep, one too many
 * ends at a refused claim. So nobody waits for Redis, and Bull's own retries and stall check are off.
 */
export interface Queue {
  /** Gives the hint. Returns at once; where Redis is away the hint is lost. */
  readonly add: (hint: Hint) => void;
  /** Calls `handler`, which must not throw, for up to `concurrency` hints at a time. Once a queue. */
  readonly process: (concurrency: number, handler: (hint: Hint) => Promise<void>) => void;
  /** Takes no more hints; what is being handled goes on. */
  readonly pause: () => Promise<void>;
  readonly close: () => Promise<void>;
}

export type RedisAddress = { readonly url: string } | { readonly path: string };

export interface QueueDeps {
  readonly redis: RedisAddress;
  readonly log: Log;
}

/** How long an orderly end waits for a Redis that may be away. */
const closeMs = 2_000;

export function createQueue({ redis, log }: QueueDeps): Queue {
  const clients: Redis[] = [];
  const bull = new Bull<Hint>('tasks', {
    prefix: 'rackwright',
    createClient: (type) => {
      const client = connect(redis, type === 'client');
      clients.push(client);
      return client;
    },
    // A job whose worker vanished is found by its claim in the store, not by Bull.
    settings: { stalledInterval: 0, retryProcessDelay: 500, lockDuration: 30_000 },
    defaultJobOptions: { removeOnComplete: true, removeOnFail: true, attempts: 1 },
  });
  bull.on('error', (error) => {
    log.debug({ event: 'queue.error', error: describeError(error) }, 'Redis is away');
  });
  const given = new Set<string>();

  const give = async (hint: Hint): Promise<void> => {
    const jobId = hintId(hint);
    // Given before and still not claimed: Bull may hold it for a worker that vanished, and would ignore it.
    if (given.has(jobId)) await freeAbandoned(bull, jobId);
    if (given.size >= 10_000) given.clear();
    given.add(jobId);
    await bull.add(hint, { jobId });
  };
  return {
    add: (hint) => {
      give(hint).catch((error: unknown) => {
        log.debug({ event: 'queue.add', ...hint, error: describeError(error) }, 'hint lost; the sweep gives it again');
      });
    },
    process: (concurrency, handler) => {
      bull
        .process(concurrency, ({ data }) => handler(data))
        .catch((error: unknown) => {
          log.debug({ event: 'queue.process', error: describeError(error) }, 'the queue ended');
        });
    },
    pause: () => within(closeMs, bull.pause(true, true)),
    close: async () => {
      await within(closeMs, bull.close(true));
      for (const client of clients) client.disconnect();
    },
  };
}

/** The hint as a name: no `:`, which Bull's keys are joined by. */
function hintId({ runId, label, attempt }: Hint): string {
  return `${runId}.${encodeURIComponent(label)}.${attempt}`;
}

/** Removes a job that some worker took and let its lock expire. One that is locked, or waits, is left alone. */
async function freeAbandoned(bull: Bull.Queue<Hint>, jobId: string): Promise<void> {
  const job = await bull.getJob(jobId);
  if (!job || !(await job.isActive())) return;
  // Refused while the lock is held: a worker has it.
  await job.remove().catch(() => undefined);
}

/**
 * Blocking connections wait for Redis for ever (Bull asks for that). The one for commands gives up quickly, so that
 * hints are not heaped up in memory while Redis is away.
 */
function connect(address: RedisAddress, gaveUpQuickly: boolean): Redis {
  const options: RedisOptions = {
    retryStrategy: (attempts) => Math.min(attempts * 50, 500),
    maxRetriesPerRequest: gaveUpQuickly ? 1 : null,
    enableReadyCheck: false,
  };
  return 'url' in address ? new Redis(address.url, options) : new Redis({ ...options, path: address.path });
}

async function within(milliseconds: number, work: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, milliseconds);
  });
  await Promise.race([work.catch(() => undefined), limit]);
  clearTimeout(timer);
}

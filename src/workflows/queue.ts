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
  /** Whether Redis answers now. */
  readonly ping: () => Promise<boolean>;
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
  let closed = false;
  const bull = new Bull<Hint>('tasks', {
    prefix: 'rackwright',
    createClient: (type) => {
      const client = connect(redis, type === 'client');
      clients.push(client);
      // Bull may come to open its next connection when it has been closed already.
      if (closed) client.disconnect();
      return client;
    },
    // A job whose worker vanished is found by its claim in the store, not by Bull.
    settings: { stalledInterval: 0, retryProcessDelay: 500, lockDuration: 30_000 },
    defaultJobOptions: { removeOnComplete: true, removeOnFail: true, attempts: 1 },
  });
  // Bull names its connection and looks after nobody's rejection, should the connection end before that.
  Object.assign(bull, { setWorkerName: () => Promise.resolve() });
  bull.on('error', (error) => {
    log.debug({ event: 'queue.error', error: describeError(error) }, 'Redis is away');
  });
  const free = createFreeing(bull);
  const give = async (hint: Hint): Promise<void> => {
    const jobId = hintId(hint);
    await free(jobId);
    await bull.add(hint, { jobId });
  };
  return {
    add: (hint) => {
      give(hint).catch((error: unknown) => {
        log.debug({ event: 'queue.add', ...hint, error: describeError(error) }, 'hint lost; the sweep gives it again');
      });
    },
    process: (concurrency, handler) => {
      const handle = async ({ data }: { data: unknown }): Promise<void> => {
        if (isHint(data)) await handler(data);
      };
      bull.process(concurrency, handle).catch((error: unknown) => {
        log.debug({ event: 'queue.process', error: describeError(error) }, 'the queue ended');
      });
    },
    ping: () =>
      bull.client.ping().then(
        () => true,
        () => false,
      ),
    pause: () => within(closeMs, bull.pause(true, true)),
    close: async () => {
      await within(closeMs, bull.close(true));
      closed = true;
      for (const client of clients) client.disconnect();
    },
  };
}

/** The hint as a name: no `:`, which Bull's keys are joined by. */
function hintId({ runId, label, attempt }: Hint): string {
  return `${runId}.${encodeURIComponent(label)}.${attempt}`;
}

/** What Bull hands over for a job that was removed under its hands is an empty one. */
function isHint(data: unknown): data is Hint {
  return typeof data === 'object' && data !== null && 'runId' in data && 'label' in data && 'attempt' in data;
}

/** How long a job may be active without a lock: Bull takes it off the list a moment before it locks it. */
const lockingMs = 1_000;
const rememberedHints = 10_000;

/**
 * A hint that is given again was not claimed; if Bull still holds it, for a worker that vanished, it would ignore the
 * new one. Such a job is removed: one that has ended, or is active for a while and not locked.
 */
function createFreeing(bull: Bull.Queue<Hint>): (jobId: string) => Promise<void> {
  /** Hint -> when it was first seen active; undefined where it was only given. */
  const given = new Map<string, number | undefined>();
  return async (jobId) => {
    const known = given.has(jobId);
    const since = given.get(jobId);
    if (given.size >= rememberedHints) given.clear();
    given.set(jobId, since);
    const job = known ? await bull.getJob(jobId) : null;
    const state = await job?.getState();
    if (state === undefined || state === 'waiting') return;
    const now = performance.now();
    if (state === 'active' && now - (since ?? now) < lockingMs) {
      given.set(jobId, since ?? now);
      return;
    }
    given.set(jobId, undefined);
    // Refused while the lock is held: a worker has it.
    await job?.remove().catch(() => undefined);
  };
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

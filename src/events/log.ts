import { describeError, RackwrightError } from '../errors.ts';
import type { Log } from '../log.ts';
import type { Fact, NewFact, RecordFact } from '../model/fact.ts';
import type { Store } from '../store/collections.ts';
import type { Page, Query } from '../store/repository.ts';
import { boundFact } from './bound.ts';
import { createFactIds, decidedFactId } from './fact-id.ts';
import { createFollowers, type FactListener, followFacts, type FollowOptions } from './followers.ts';
import { defaultFactLimits, type FactLimits, pruneFacts } from './prune.ts';
import { createStrangers } from './strangers.ts';
import { createFactTable } from './table.ts';
import { createFactWriter, type FactStats } from './writer.ts';

/** Everything that happened, in order: observed facts by way of a bounded queue, decided facts at once. */
export interface FactLog {
  readonly record: RecordFact;
  /**
   * For facts that leave with the write that decided them, and say when that was. Resolves when they are durable; rejects
   * when the store fails, and then the same call may be repeated. One with an id may be published any number of times.
   */
  readonly append: (facts: readonly (NewFact & { readonly at: string })[]) => Promise<void>;
  readonly find: (query: Query) => Promise<Page<Fact>>;
  /** Up to 1,000 facts after the one with this id ('' for all that are kept), oldest first. */
  readonly since: (cursor: string) => Promise<readonly Fact[]>;
  /** Calls `listener` with facts as this process writes them; it must not wait. The answer ends that. */
  readonly subscribe: (listener: FactListener) => () => void;
  /** What was missed since a cursor, then what comes; for server-sent events, with the fact's id as theirs. */
  readonly follow: (options: FollowOptions) => AsyncGenerator<readonly Fact[]>;
  /** Resolves when everything recorded until now was written, or was given up. */
  readonly flush: () => Promise<void>;
  /** Deletes what is over the limits; answers how many. Runs by itself every minute, and after every 10,000 facts. */
  readonly sweep: () => Promise<number>;
  readonly stats: () => FactStats;
  readonly stop: () => Promise<void>;
}

export interface FactLogDeps {
  readonly store: Pick<Store, 'facts' | 'nodes' | 'lookups' | 'leases'>;
  readonly now: () => Date;
  readonly log: Log;
  readonly limits?: Partial<FactLimits>;
  /** Observed facts that may wait for the store; default 10,000. */
  readonly queueLimit?: number;
}

const pageSize = 1_000;

/** Opens the log. It sweeps by a timer from now on, which `stop` ends. */
export function createFactLog(deps: FactLogDeps): FactLog {
  const { store, now, log } = deps;
  const nextId = createFactIds(now);
  const followers = createFollowers(log);
  const sweeper = createSweeper(deps);
  const table = createFactTable(store.facts, now, (facts) => {
    sweeper.written(facts);
    followers.publish(facts);
  });
  const writer = createFactWriter({ ...deps, table, nextId });

  const since = async (cursor: string): Promise<readonly Fact[]> => {
    const recent = followers.recent(cursor);
    if (recent) return recent.slice(0, pageSize);
    return (await store.facts.find({ where: cursor === '' ? {} : { id: { gt: cursor } }, limit: pageSize })).items;
  };

  return {
    record: (fact) => {
      // The time is when it was seen, not when the queue came to it.
      writer.offer({ ...fact, at: fact.at ?? now().toISOString() });
    },
    append: async (facts) => {
      const numbered = facts.map((fact) => ({
        ...boundFact(fact),
        id: fact.id === undefined ? nextId() : decidedFactId(fact.id, fact.at),
      }));
      const { error } = await table.insert(numbered);
      if (error === undefined) return;
      throw new RackwrightError('facts-unwritten', 'facts could not be written', { cause: error, retryable: true });
    },
    find: (query) => store.facts.find(query),
    since,
    subscribe: followers.subscribe,
    follow: (options) => followFacts({ subscribe: followers.subscribe, since }, options),
    flush: writer.flush,
    sweep: sweeper.sweep,
    stats: writer.stats,
    stop: async () => {
      await writer.stop();
      await sweeper.stop();
    },
  };
}

const sweepMs = 60_000;
const sweepFacts = 10_000;

/** Keeps the facts within their limits: every minute, and sooner in a flood. */
function createSweeper({ store, now, log, limits }: FactLogDeps): {
  written: (facts: readonly Fact[]) => void;
  sweep: () => Promise<number>;
  stop: () => Promise<void>;
} {
  const allLimits = { ...defaultFactLimits, ...limits };
  const strangers = createStrangers(store, allLimits.strangers);
  let unswept = 0;
  let sweeping: Promise<number> | undefined;

  const sweepOnce = async (): Promise<number> =>
    (await strangers.settle()) + (await pruneFacts(store.facts, allLimits, now()));

  const sweep = (): Promise<number> => {
    unswept = 0;
    sweeping ??= sweepOnce().finally(() => {
      sweeping = undefined;
    });
    return sweeping;
  };

  const sweepLater = (): void => {
    sweep().catch((error: unknown) => {
      log.warn({ event: 'facts.sweep', error: describeError(error) }, 'old facts could not be deleted');
    });
  };
  const timer = setInterval(sweepLater, sweepMs).unref();

  return {
    written: (facts) => {
      facts.forEach(strangers.add);
      unswept += facts.length;
      if (unswept >= sweepFacts) sweepLater();
    },
    sweep,
    stop: async () => {
      clearInterval(timer);
      await sweeping?.catch(() => undefined);
    },
  };
}

import { describeError } from '../errors.ts';
import type { Log } from '../log.ts';
import type { Fact } from '../model/fact.ts';

export type FactListener = (facts: readonly Fact[]) => void;

/** Facts written by this process, as they are written. */
export interface Followers {
  readonly publish: (facts: readonly Fact[]) => void;
  /** Calls `listener` after each write; it must not wait. The answer ends that. */
  readonly subscribe: (listener: FactListener) => () => void;
  /** The facts written after the one with this id, in the order of writing; undefined if that was too long ago. */
  readonly recent: (cursor: string) => readonly Fact[] | undefined;
}

/** How many of the newest facts are kept in memory, for followers that come back. */
const recentLimit = 2_000;

export function createFollowers(log: Log): Followers {
  const listeners = new Set<FactListener>();
  const recent: Fact[] = [];

  return {
    publish(facts) {
      recent.push(...facts);
      // Cut in halves: one splice in a thousand facts instead of one each.
      if (recent.length > 2 * recentLimit) recent.splice(0, recent.length - recentLimit);
      for (const listener of listeners) {
        try {
          listener(facts);
        } catch (error) {
          log.error({ event: 'facts.listener', error: describeError(error) }, 'a follower of facts failed');
        }
      }
    },
    subscribe(listener) {
      const own: FactListener = (facts) => {
        listener(facts);
      };
      listeners.add(own);
      return () => listeners.delete(own);
    },
    recent(cursor) {
      const at = recent.findLastIndex((fact) => fact.id === cursor);
      return at === -1 ? undefined : recent.slice(at + 1);
    },
  };
}

export interface FollowOptions {
  /** Id of the last fact that the follower has; '' for all that is kept. Absent: only what comes from now on. */
  readonly cursor?: string;
  readonly signal: AbortSignal;
  /** Facts that may wait for a slow follower; default 1,000. */
  readonly limit?: number;
}

export interface FollowDeps {
  readonly subscribe: Followers['subscribe'];
  /** The next page after the cursor; empty at the end. */
  readonly since: (cursor: string) => Promise<readonly Fact[]>;
}

/**
 * First what was missed, then what comes, each fact once. Ends when `signal` is aborted, and when the follower is so
 * slow that more than `limit` facts wait for it: it may come back with the last id that it has.
 */
export async function* followFacts(deps: FollowDeps, options: FollowOptions): AsyncGenerator<readonly Fact[]> {
  const { signal, limit = 1_000 } = options;
  const inbox: Fact[] = [];
  const state = { lagging: false, wake: (): void => undefined };
  const onAbort = (): void => {
    state.wake();
  };
  const unsubscribe = deps.subscribe((facts) => {
    state.lagging ||= inbox.length + facts.length > limit;
    if (!state.lagging) inbox.push(...facts);
    state.wake();
  });
  signal.addEventListener('abort', onAbort);
  try {
    // A fact is stored before it is published: the last page may come once more by the inbox.
    let replayed = new Set<string>();
    for (let cursor = options.cursor; cursor !== undefined && !signal.aborted;) {
      const page = await deps.since(cursor);
      cursor = page.at(-1)?.id;
      if (cursor === undefined) break;
      yield page;
      replayed = new Set([...[...replayed].slice(-limit), ...page.map((fact) => fact.id)]);
    }
    while (!signal.aborted) {
      const news = inbox.splice(0).filter((fact) => !replayed.has(fact.id));
      if (news.length > 0) yield news;
      else if (state.lagging) return;
      else {
        // Nothing can come between the look at the inbox and this: there was no await.
        await new Promise<void>((resolve) => {
          state.wake = resolve;
        });
      }
    }
  } finally {
    signal.removeEventListener('abort', onAbort);
    unsubscribe();
  }
}

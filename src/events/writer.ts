import { setTimeout as delay } from 'node:timers/promises';
import { describeError } from '../errors.ts';
import type { Log } from '../log.ts';
import type { NewFact } from '../model/fact.ts';
import { boundFact } from './bound.ts';
import type { FactTable, NumberedFact } from './table.ts';

/** The bounded queue before the store: packets never wait for a disk, and a flood never fills the memory. */
export interface FactWriter {
  /** Queues a fact, or counts it as dropped. */
  readonly offer: (fact: NewFact) => void;
  /** Resolves when everything offered until now was written, or was given up. */
  readonly flush: () => Promise<void>;
  /** Takes nothing more, and tries once more to write what is queued. */
  readonly stop: () => Promise<void>;
  readonly stats: () => FactStats;
}

export interface FactStats {
  /** Waiting now. */
  readonly queued: number;
  /** Since the start. */
  readonly dropped: number;
}

export interface WriterDeps {
  readonly table: Pick<FactTable, 'insert'>;
  readonly nextId: () => string;
  readonly now: () => Date;
  readonly log: Log;
  /** Facts that may wait; default 10,000. */
  readonly queueLimit?: number;
}

const batchMs = 50;
const batchSize = 500;
const longestRetryMs = 5_000;
/** About half a minute: longer than a store takes to restart. */
const maxTries = 12;
const tellDropsMs = 10_000;

/** Observed facts, written in batches in the order in which they came; their ids grow in that order. */
export function createFactWriter(deps: WriterDeps): FactWriter {
  const { nextId, queueLimit = 10_000 } = deps;
  const stopping = new AbortController();
  const queue: NewFact[] = [];
  const drops = createDropTeller(deps);
  let inBatch = 0;
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<void> | undefined;

  const offer = (fact: NewFact): void => {
    if (stopping.signal.aborted || queue.length + inBatch >= queueLimit) {
      drops.add(1);
      return;
    }
    // Bounded only now: in a flood, what is dropped costs nothing.
    queue.push(boundFact(fact));
    if (queue.length >= batchSize) run();
    else timer ??= setTimeout(run, batchMs).unref();
  };

  const run = (): void => {
    clearTimeout(timer);
    timer = undefined;
    running ??= drain().finally(() => {
      running = undefined;
      if (queue.length > 0) run();
    });
  };

  const drain = async (): Promise<void> => {
    while (queue.length > 0) {
      const batch = queue.splice(0, batchSize).map((fact) => ({ ...fact, id: nextId() }));
      inBatch = batch.length;
      drops.add(await writeBatch(deps, batch, stopping.signal));
      inBatch = 0;
      const told = stopping.signal.aborted ? undefined : drops.tell();
      if (told) offer(told);
    }
  };

  const flush = async (): Promise<void> => {
    while (queue.length > 0 || running) {
      run();
      await running;
    }
  };

  return {
    offer,
    flush,
    stop: async () => {
      stopping.abort();
      await flush();
    },
    stats: () => ({ queued: queue.length + inBatch, dropped: drops.total() }),
  };
}

/** Writes a batch, again and again while the store fails; answers how many facts were given up. */
async function writeBatch(deps: WriterDeps, batch: readonly NumberedFact[], stopping: AbortSignal): Promise<number> {
  let lost = 0;
  let left = batch;
  for (let tries = 1; ; tries += 1) {
    const result = await deps.table.insert(left);
    lost += result.refused;
    left = result.unwritten;
    if (result.error !== undefined) {
      const fields = { event: 'facts.unwritten', count: left.length, tries, error: describeError(result.error) };
      deps.log.warn(fields, 'facts could not be written');
    }
    if (left.length === 0) return lost;
    if (tries >= maxTries || stopping.aborted) return lost + left.length;
    const wait = Math.min(batchMs * 2 ** tries, longestRetryMs);
    await delay(wait, undefined, { signal: stopping, ref: false }).catch(() => undefined);
  }
}

/** Counts what was dropped; makes a fact of it, but not one for each. */
function createDropTeller({ now, log }: WriterDeps): {
  add(lost: number): void;
  total(): number;
  tell(): NewFact | undefined;
} {
  let dropped = 0;
  let told = 0;
  let lastTold = 0;
  return {
    add: (lost) => {
      dropped += lost;
    },
    total: () => dropped,
    tell: () => {
      const lost = dropped - told;
      if (lost === 0 || now().getTime() - lastTold < tellDropsMs) return undefined;
      told = dropped;
      lastTold = now().getTime();
      const text = `${lost} facts were lost because more arrived than could be written`;
      log.warn({ event: 'facts.dropped', lost }, text);
      return { kind: 'facts.dropped', how: 'self', text, at: now().toISOString(), data: { lost } };
    },
  };
}

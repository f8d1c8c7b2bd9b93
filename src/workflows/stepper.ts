import { setTimeout as sleep } from 'node:timers/promises';
import { RackwrightError, describeError } from '../errors.ts';
import type { Log } from '../log.ts';
import type { ResolvedGraph, Run } from '../model/run.ts';
import type { Store } from '../store/collections.ts';
import { advance, type Refusal, type RunSignal } from './advance.ts';
import { due, type Action } from './due.ts';
import type { Publisher } from './publisher.ts';

/** What workers are told: that this attempt may be claimed. Losing one costs a sweep; one too many costs a claim refused. */
export interface Hint {
  readonly runId: string;
  readonly label: string;
  readonly attempt: number;
}

export interface StepperDeps {
  readonly store: Store;
  readonly publisher: Publisher;
  /** Must not wait for anything that may be away: it is called after each save. */
  readonly hint: (hint: Hint) => void;
  readonly now: () => Date;
  readonly log: Log;
  /** Called after each save, and never throws. */
  readonly saved: (run: Run) => void;
}

export type StepResult =
  | { readonly run: Run; readonly graph: ResolvedGraph; readonly refused?: never }
  | { readonly refused: Refusal | 'unknown'; readonly run?: never };

export interface Stepper {
  /** Load, advance, save; again from the start where another writer came first. Then carries out what is due. */
  step(runId: string, signal: RunSignal): Promise<StepResult>;
  /** Carries out what a saved run says must be going on. */
  carryOut(run: Run): Promise<void>;
  graphOf(run: Run): Promise<ResolvedGraph>;
  /** Forgets all timers and waits for what is under way. */
  stop(): Promise<void>;
}

/** Each lost race is another writer's success, so this many mean a fault. */
const maxConflicts = 200;
/** setTimeout counts in 32 bits; the sweep sees to what is further off. */
const longestTimer = 2 ** 31 - 1;
const cachedGraphs = 256;

export function createStepper(deps: StepperDeps): Stepper {
  const { store, publisher, hint, now, log } = deps;
  const timers = new Map<string, { at: string; timer: NodeJS.Timeout }>();
  /** Run -> last outbox item that this process published: dropped with the run's next write. */
  const publishedUpTo = new Map<string, number>();
  const graphs = new Map<string, ResolvedGraph>();
  const turns = new Map<string, Promise<unknown>>();
  const underWay = new Set<Promise<unknown>>();
  let stopped = false;

  async function graphOf(run: Run): Promise<ResolvedGraph> {
    const cached = graphs.get(run.definitionId);
    if (cached) return cached;
    const found = await store.definitions.get(run.definitionId);
    if (!found) throw new RackwrightError('run-definition', `the definition of run ${run.id} is gone from the store`);
    const oldest = graphs.keys().next();
    if (graphs.size >= cachedGraphs && !oldest.done) graphs.delete(oldest.value);
    graphs.set(run.definitionId, found.body as ResolvedGraph);
    return found.body as ResolvedGraph;
  }

  async function tryStep(runId: string, signal: RunSignal): Promise<StepResult> {
    for (let conflicts = 0; conflicts < maxConflicts; conflicts += 1) {
      const current = await store.runs.get(runId);
      if (!current) return { refused: 'unknown' };
      const graph = await graphOf(current);
      const upTo = publishedUpTo.get(runId);
      const dropped = upTo === undefined ? undefined : advance(current, graph, { kind: 'published', upTo }, now());
      const result = advance(dropped?.run ?? current, graph, signal, now());
      if (!result.run) return { refused: result.refused };
      const saved = await store.runs.update({ ...result.run, version: current.version });
      if (saved.ok) return { run: saved.document, graph };
      await sleep(Math.random() * Math.min(conflicts, 20));
    }
    throw new RackwrightError('store-contention', `run ${runId} was changed by others ${maxConflicts} times in a row`);
  }

  /** Steps of one run take turns in this process: they would only make each other conflict. */
  function inTurn<T>(runId: string, work: () => Promise<T>): Promise<T> {
    const before = turns.get(runId) ?? Promise.resolve();
    const turn = before.then(work, work);
    const settled = turn.catch(() => undefined);
    turns.set(runId, settled);
    void settled.then(() => {
      if (turns.get(runId) === settled) turns.delete(runId);
    });
    return turn;
  }

  async function step(runId: string, signal: RunSignal): Promise<StepResult> {
    const result = await inTurn(runId, () => tryStep(runId, signal));
    if (result.run) {
      deps.saved(result.run);
      await carryOut(result.run);
    }
    return result;
  }

  async function carryOut(run: Run): Promise<void> {
    if (stopped) return;
    if (run.sweepKey === 'done') {
      forget(run.id);
      return;
    }
    const actions = due(run, now());
    if (!actions.some(({ kind }) => kind === 'wake')) clearTimer(run.id);
    for (const action of actions) await act(run, action);
  }

  async function act(run: Run, action: Action): Promise<void> {
    switch (action.kind) {
      case 'dispatch':
        hint({ runId: run.id, label: action.label, attempt: action.attempt });
        return;
      case 'wake':
        arm(run.id, action.at);
        return;
      case 'publish':
        await publish(run, action);
        return;
      case 'deadline':
      case 'claim-expired':
        await step(run.id, action);
    }
  }

  async function publish(run: Run, { upTo, items }: Extract<Action, { kind: 'publish' }>): Promise<void> {
    const done = publishedUpTo.get(run.id) ?? 0;
    const fresh = items.filter(({ seq }) => seq > done);
    try {
      if (fresh.length > 0) await publisher.publish(run.id, fresh);
    } catch (error) {
      // The items stay in the run: the next step, or the sweep, publishes them again.
      log.warn(
        { event: 'run.publish', runId: run.id, error: describeError(error) },
        'facts of a run could not be stored',
      );
      return;
    }
    publishedUpTo.set(run.id, Math.max(upTo, publishedUpTo.get(run.id) ?? 0));
    if (run.state !== 'running') await step(run.id, { kind: 'published', upTo });
  }

  function arm(runId: string, at: string): void {
    if (timers.get(runId)?.at === at) return;
    clearTimer(runId);
    const wait = Math.min(Math.max(Date.parse(at) - now().getTime(), 0) + 1, longestTimer);
    const timer = setTimeout(() => {
      timers.delete(runId);
      track(wake(runId));
    }, wait);
    timer.unref();
    timers.set(runId, { at, timer });
  }

  async function wake(runId: string): Promise<void> {
    try {
      const run = await store.runs.get(runId);
      if (run) await carryOut(run);
    } catch (error) {
      log.warn({ event: 'run.wake', runId, error: describeError(error) }, 'a run could not be looked at');
    }
  }

  function track(work: Promise<unknown>): void {
    underWay.add(work);
    void work.finally(() => underWay.delete(work));
  }

  function clearTimer(runId: string): void {
    clearTimeout(timers.get(runId)?.timer);
    timers.delete(runId);
  }

  function forget(runId: string): void {
    clearTimer(runId);
    publishedUpTo.delete(runId);
  }

  return {
    step,
    carryOut,
    graphOf,
    stop: async () => {
      stopped = true;
      for (const runId of [...timers.keys()]) clearTimer(runId);
      await Promise.allSettled([...underWay, ...turns.values()]);
    },
  };
}

import { setTimeout as sleep } from 'node:timers/promises';
import { RackwrightError, describeError } from '../errors.ts';
import type { Log } from '../log.ts';
import type { ResolvedGraph, Run } from '../model/run.ts';
import type { Store } from '../store/collections.ts';
import { advance, type Refusal, type RunSignal } from './advance.ts';
import { createAlarms } from './alarms.ts';
import { due, type Action } from './due.ts';
import type { Publisher } from './publisher.ts';
import { createTurns } from './turns.ts';

/** What workers are told: that this attempt may be claimed. Losing one costs a sweep; one too many, a refused claim. */
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
  { readonly run: Run; readonly refused?: never } | { readonly refused: Refusal | 'unknown'; readonly run?: never };

export interface Stepper {
  /** Load, advance, save; again from the start where another writer came first. Then carries out what is due. */
  readonly step: (runId: string, signal: RunSignal) => Promise<StepResult>;
  /** Carries out what a saved run says must be going on. Faults are logged: the sweep comes again. */
  readonly carryOut: (run: Run) => Promise<void>;
  readonly graphOf: (run: Run) => Promise<ResolvedGraph>;
  /** Forgets all timers and waits for the steps under way. */
  readonly stop: () => Promise<void>;
}

/** Each lost race is another writer's success, so this many mean a fault. */
const maxConflicts = 200;

export function createStepper(deps: StepperDeps): Stepper {
  const { store, now, log } = deps;
  const graphOf = createGraphCache(store);
  /** Run -> last outbox item that this process published: dropped with the run's next write. */
  const published = new Map<string, number>();
  /** Steps of one run take turns in this process: they would only make each other conflict. */
  const turns = createTurns();
  const alarms = createAlarms(now, (runId) => {
    store.runs.get(runId).then((run) => run && carryOut(run), later(runId, 'wake'));
  });
  let stopped = false;

  const later = (runId: string, action: string) => (error: unknown) => {
    log.warn({ event: 'run.due', runId, action, error: describeError(error) }, 'could not be done now; the sweep will');
  };

  async function step(runId: string, signal: RunSignal): Promise<StepResult> {
    const result = await turns.take(runId, () => tryStep({ ...deps, graphOf, published }, runId, signal));
    if (result.run) {
      deps.saved(result.run);
      await carryOut(result.run);
    }
    return result;
  }

  async function carryOut(run: Run): Promise<void> {
    if (stopped) return;
    const actions = run.sweepKey === 'done' ? [] : due(run, now());
    if (run.sweepKey === 'done') published.delete(run.id);
    if (!actions.some(({ kind }) => kind === 'wake')) alarms.clear(run.id);
    for (const action of actions) {
      try {
        await act(run, action);
      } catch (error) {
        log.warn(
          { event: 'run.due', runId: run.id, action: action.kind, error: describeError(error) },
          'will try again',
        );
      }
    }
  }

  async function act(run: Run, action: Action): Promise<void> {
    if (action.kind === 'dispatch') deps.hint({ runId: run.id, label: action.label, attempt: action.attempt });
    else if (action.kind === 'wake') alarms.set(run.id, action.at);
    else if (action.kind !== 'publish') await step(run.id, action);
    else {
      const done = published.get(run.id) ?? 0;
      const fresh = action.items.filter(({ seq }) => seq > done);
      if (fresh.length > 0) await deps.publisher.publish(run.id, fresh);
      remember(published, run.id, Math.max(action.upTo, published.get(run.id) ?? 0));
      if (run.state !== 'running') await step(run.id, { kind: 'published', upTo: action.upTo });
    }
  }

  return {
    step,
    carryOut,
    graphOf,
    stop: async () => {
      stopped = true;
      alarms.clearAll();
      await turns.idle();
    },
  };
}

interface TryDeps extends StepperDeps {
  readonly graphOf: (run: Run) => Promise<ResolvedGraph>;
  readonly published: ReadonlyMap<string, number>;
}

async function tryStep(deps: TryDeps, runId: string, signal: RunSignal): Promise<StepResult> {
  for (let conflicts = 0; conflicts < maxConflicts; conflicts += 1) {
    const current = await deps.store.runs.get(runId);
    if (!current) return { refused: 'unknown' };
    const graph = await deps.graphOf(current);
    const now = deps.now();
    const upTo = signal.kind === 'published' ? undefined : deps.published.get(runId);
    const shortened = upTo === undefined ? undefined : advance(current, graph, { kind: 'published', upTo }, now).run;
    const result = advance(shortened ?? current, graph, signal, now);
    if (!result.run) return { refused: result.refused };
    const saved = await deps.store.runs.update({ ...result.run, version: current.version });
    if (saved.ok) return { run: saved.document };
    await sleep(Math.random() * Math.min(conflicts, 20));
  }
  throw new RackwrightError('store-contention', `run ${runId} was changed by others ${maxConflicts} times in a row`, {
    retryable: true,
  });
}

const cachedGraphs = 256;
const rememberedRuns = 10_000;

/** Sets a key of a map that is kept from growing for ever: what was set first is forgotten first. */
function remember<T>(map: Map<string, T>, key: string, value: T, limit = rememberedRuns): void {
  const oldest = map.keys().next();
  if (map.size >= limit && !oldest.done) map.delete(oldest.value);
  map.set(key, value);
}

/** Resolved graphs by their hash: they never change, so the newest few are kept. */
function createGraphCache(store: Store): (run: Run) => Promise<ResolvedGraph> {
  const graphs = new Map<string, ResolvedGraph>();
  return async ({ id, definitionId }) => {
    const cached = graphs.get(definitionId);
    if (cached) return cached;
    const found = await store.definitions.get(definitionId);
    if (!found) throw new RackwrightError('run-definition', `the definition of run ${id} is gone from the store`);
    remember(graphs, definitionId, found.body as ResolvedGraph, cachedGraphs);
    return found.body as ResolvedGraph;
  };
}

import type { Log } from '../log.ts';
import type { ResolvedGraph, Run } from '../model/run.ts';
import type { Store } from '../store/collections.ts';
import type { RunSignal } from './advance.ts';
import { createAgentSide } from './agent-side.ts';
import { createChanges } from './changes.ts';
import type { Definitions } from './definitions.ts';
import type { Engine } from './engine-interface.ts';
import type { Job } from './job.ts';
import { createPublisher, type AppendFacts } from './publisher.ts';
import type { Scope } from './render.ts';
import { createSignals } from './signals.ts';
import { startRun } from './start.ts';
import { createStepper, type Hint, type StepResult } from './stepper.ts';
import { createSweep } from './sweep.ts';

/** The engine with what only the worker and the process around it use. */
export interface EngineRole extends Engine {
  /** One signal that is not stored: a worker's claim, renewal or end. */
  readonly step: (runId: string, signal: RunSignal) => Promise<StepResult>;
  readonly graphOf: (run: Run) => Promise<ResolvedGraph>;
  /** Goes through all active runs and overdue nodes once: what start does, and then the timer. */
  readonly sweep: () => Promise<void>;
  /** Sweeps once, then by a timer. */
  readonly begin: () => Promise<void>;
  readonly stop: () => Promise<void>;
}

export interface EngineDeps {
  readonly store: Store;
  readonly definitions: Definitions;
  readonly jobs: readonly Job[];
  /** What options may name besides options, context and task (`server`, `api`, `file`). Never secrets. */
  readonly scope: Scope;
  readonly append: AppendFacts;
  readonly secrets: { resolve(nodeId: string, name: string): Promise<string | undefined> };
  /** Gives a hint to the workers; must not wait. */
  readonly hint: (hint: Hint) => void;
  readonly now: () => Date;
  readonly log: Log;
  /** Whether the process of a claim still lives; without it claims only expire. */
  readonly isAlive?: (member: string) => Promise<boolean>;
  /** Milliseconds between sweeps; default 5,000. */
  readonly sweepMs?: number;
}

export function createEngine(deps: EngineDeps): EngineRole {
  const { store, now, log, append } = deps;
  const changes = createChanges(log);
  const publisher = createPublisher({ store, append, now });
  const { hint } = deps;
  const stepper = createStepper({ store, publisher, hint, now, log, saved: changes.saved });
  const signals = createSignals({ store, stepper, now });
  const activeRun = async (nodeId: string): Promise<Run | undefined> => {
    const { items } = await store.runs.find({ where: { activeKey: nodeId }, limit: 1 });
    return items[0];
  };
  const agentSide = createAgentSide({ ...deps, stepper, signals, activeRun });
  const sweep = createSweep({ ...deps, stepper, signals, publisher, everyMs: deps.sweepMs ?? 5_000 });

  return {
    ...agentSide,
    activeRun,
    start: async (request) => {
      const result = await startRun(deps, request);
      if (!result.ok) return result;
      changes.saved(result.run);
      await stepper.carryOut(result.run);
      return result;
    },
    signal: signals.send,
    cancel: (runId, reason) => signals.send(runId, 'cancel', { kind: 'cancel', reason }),
    changed: changes.changed,
    on: changes.on,
    step: stepper.step,
    graphOf: stepper.graphOf,
    sweep: sweep.once,
    begin: sweep.begin,
    stop: async () => {
      await sweep.stop();
      await stepper.stop();
    },
  };
}

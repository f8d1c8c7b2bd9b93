import { setTimeout as sleep } from 'node:timers/promises';
import { pino } from 'pino';
import { z } from 'zod';
import type { GraphDefinition } from '../../src/model/graph.ts';
import type { DecidedFact, Run } from '../../src/model/run.ts';
import type { OpenStore, Store } from '../../src/store/collections.ts';
import { openSqliteStore } from '../../src/store/sqlite/store.ts';
import { createDefinitions, type ShippedDefinitions } from '../../src/workflows/definitions.ts';
import { createEngine, type EngineRole } from '../../src/workflows/engine.ts';
import { defineJob, type EffectInput, type Job, type Services, type TaskOutcome } from '../../src/workflows/job.ts';
import type { Queue } from '../../src/workflows/queue.ts';
import type { Hint } from '../../src/workflows/stepper.ts';
import { jobs as ourJobs } from '../../src/workflows/tasks/index.ts';
import { createWorker } from '../../src/workflows/worker.ts';

/** Hints in memory, handed over at once; `held` keeps them back, as a dead Redis would. */
export function memoryQueue() {
  const waiting: Hint[] = [];
  const state: { held: boolean; handler?: (hint: Hint) => Promise<void> } = { held: false };
  const flow = (): void => {
    while (!state.held && state.handler && waiting.length > 0) void state.handler(waiting.shift()!);
  };
  return {
    waiting,
    hold: () => {
      state.held = true;
    },
    release: () => {
      state.held = false;
      flow();
    },
    add: (hint: Hint) => {
      waiting.push(hint);
      setImmediate(flow);
    },
    process: (_concurrency: number, handler: (hint: Hint) => Promise<void>) => {
      state.handler = handler;
      flow();
    },
    pause: () => {
      state.held = true;
      return Promise.resolve();
    },
  };
}

/** A job whose attempts the test ends by hand, and which counts what a real one would do to a node. */
export function controlledJob(
  runJob: string,
  onInterrupt: 'repeat' | 'verify' | 'fail',
  verified?: TaskOutcome | 'repeat',
) {
  const open: { input: EffectInput<unknown>; end: (outcome: TaskOutcome) => void }[] = [];
  const counts = { runs: 0, verifies: 0 };
  const job = defineJob({
    runJob,
    mode: 'effect',
    onInterrupt,
    options: z.looseObject({}),
    run: (input) => {
      counts.runs += 1;
      return new Promise((end) => {
        open.push({ input, end });
        input.signal.addEventListener('abort', () => {
          end({ ok: false, reason: 'aborted', message: 'aborted' });
        });
      });
    },
    verify: () => {
      counts.verifies += 1;
      return Promise.resolve(verified ?? 'repeat');
    },
  });
  return { job, open, counts };
}

export interface WorldOptions {
  readonly graphs: readonly GraphDefinition[];
  readonly jobs?: readonly Job[];
  readonly services?: Partial<Services>;
  readonly secrets?: Readonly<Record<string, string>>;
  readonly claimMs?: number;
  readonly sweepMs?: number;
  readonly queue?: (name: string) => Pick<Queue, 'add' | 'process' | 'pause'>;
}

/** One store, and any number of servers on it, each with engine and worker. */
export async function openWorld(options: WorldOptions) {
  const opened: OpenStore = await openSqliteStore({ path: ':memory:' });
  const { store } = opened;
  const facts = new Map<string, DecidedFact>();
  const servers: { engine: EngineRole; kill: () => Promise<void> }[] = [];
  const jobs = [...(options.jobs ?? []), ...ourJobs];

  const server = async (name = 'm1') => {
    const queue = options.queue?.(name) ?? memoryQueue();
    const log = pino({ level: 'silent' });
    const scope = { server: { discovery: { then: 'reboot' } }, file: { server: 'http://files' } };
    const definitions = createDefinitions({ store, shipped: shippedFrom(options.graphs, jobs), jobs, scope });
    const secrets = { resolve: (_node: string, key: string) => Promise.resolve(options.secrets?.[key]) };
    const append = (added: readonly DecidedFact[]): Promise<void> => {
      for (const fact of added) if (!facts.has(fact.id)) facts.set(fact.id, fact);
      return Promise.resolve();
    };
    const now = () => new Date();
    const { sweepMs = 50, claimMs = 30_000 } = options;
    const engine = createEngine({
      store,
      definitions,
      jobs,
      scope,
      append,
      secrets,
      hint: queue.add,
      now,
      log,
      sweepMs,
    });
    const services = { store, secrets, record: () => undefined, ...options.services } as unknown as Services;
    const life = { killed: false };
    const step: EngineRole['step'] = (id, signal) =>
      life.killed ? Promise.reject(new Error('killed')) : engine.step(id, signal);
    const worker = createWorker({
      engine: { ...engine, step },
      queue,
      jobs,
      services,
      member: name,
      now,
      log,
      claimMs,
    });
    await engine.begin();
    await worker.start();
    // As SIGKILL would: nothing is told to the store, and what runs is cut off by its claim.
    const kill = async () => {
      life.killed = true;
      await queue.pause();
      await engine.stop();
    };
    servers.push({ engine, kill });
    return { engine, worker, queue, definitions, kill };
  };

  return {
    store,
    facts,
    server,
    node: (id: string, state: 'new' | 'maintenance' = 'new') => addNode(store, id, state),
    run: async (id: string): Promise<Run> => (await store.runs.get(id))!,
    /** Waits until the run's document satisfies the condition. */
    until: async (id: string, condition: (run: Run) => boolean): Promise<Run> => {
      for (;;) {
        const run = await store.runs.get(id);
        if (run && condition(run)) return run;
        await sleep(5);
      }
    },
    close: async () => {
      for (const { kill } of servers) await kill();
      await opened.close();
    },
  };
}

/** Each job under a base task and a task: `Task.<runJob>`. */
function shippedFrom(graphs: readonly GraphDefinition[], jobs: readonly Job[]): ShippedDefinitions {
  const baseTasks = jobs.map(({ runJob }) => ({
    friendlyName: runJob,
    injectableName: `Base.${runJob}`,
    runJob,
    requiredOptions: [],
    requiredProperties: {},
    properties: {},
  }));
  const tasks = jobs.map(({ runJob }) => ({
    friendlyName: runJob,
    injectableName: `Task.${runJob}`,
    implementsTask: `Base.${runJob}`,
    options: {},
    properties: {},
  }));
  const byName = <T extends { injectableName: string }>(all: readonly T[]) =>
    new Map(all.map((definition) => [definition.injectableName, definition]));
  return { graphs: byName(graphs), tasks: byName(tasks), baseTasks: byName(baseTasks) };
}

async function addNode(store: Store, id: string, state: 'new' | 'maintenance'): Promise<void> {
  await store.nodes.insert({
    id,
    name: id,
    type: 'compute',
    identifiers: [],
    state: { name: state, since: new Date().toISOString() },
    summary: {},
    tags: [],
    relations: [],
    autoDiscover: false,
  });
}

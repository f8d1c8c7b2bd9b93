import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createApi, type ApiOptions } from '../../src/api/app.ts';
import type { ApiDeps, Health, Machine } from '../../src/api/deps.ts';
import { createFactLog, type FactLog } from '../../src/events/log.ts';
import { createImages } from '../../src/images/images.ts';
import { createLog } from '../../src/log.ts';
import type { Draft } from '../../src/model/document.ts';
import type { BaseTaskDefinition, GraphDefinition, TaskDefinition } from '../../src/model/graph.ts';
import type { Node } from '../../src/model/node.ts';
import type { ResolvedGraph, Run } from '../../src/model/run.ts';
import type { ObmResult } from '../../src/obm/driver.ts';
import { sealerOf } from '../../src/secrets/seal.ts';
import type { OpenStore, Store } from '../../src/store/collections.ts';
import { modify } from '../../src/store/modify.ts';
import { openSqliteStore } from '../../src/store/sqlite/store.ts';
import { createDefinitions, type ShippedDefinitions } from '../../src/workflows/definitions.ts';
import { defineJob } from '../../src/workflows/job.ts';
import { z } from 'zod';
import { ask, startTestServer, type Answer, type TestServer } from '../support/http.ts';

/** The API over real HTTP, with a store in memory, a library of three graphs and an engine that only starts and cancels. */
export interface ApiWorld {
  readonly url: string;
  readonly store: Store;
  readonly facts: FactLog;
  readonly deps: ApiDeps;
  /** What the next question to a BMC is answered. */
  bmc: ObmResult;
  health: Health;
  /** Sends a JSON body, if there is one, as RackHD's clients do. */
  call(method: string, path: string, body?: unknown): Promise<Answer>;
  /** Forgets everything stored: opening a store for each test costs too much. */
  reset(): Promise<void>;
  close(): Promise<void>;
}

export async function startWorld(options: Partial<ApiOptions> = {}): Promise<ApiWorld> {
  const opened = await openSqliteStore({ path: ':memory:' });
  return serve(opened, options);
}

async function serve({ store, close: closeStore }: OpenStore, options: Partial<ApiOptions>): Promise<ApiWorld> {
  const log = createLog('silent');
  const now = (): Date => new Date();
  const facts = createFactLog({ store, now, log });
  const draining = new AbortController();
  const definitions = createDefinitions({ store, shipped, jobs: [noopJob], scope: {} });
  const directory = await mkdtemp(join(tmpdir(), 'rackwright-images-'));
  const images = createImages({ directory, maxBytes: 64 * 1024 * 1024, keepFreeBytes: 0, store, log, now });
  await images.start();
  const deps: ApiDeps = {
    store,
    facts,
    log,
    now,
    definitions,
    images,
    draining: draining.signal,
    engine: fakeEngine(store, async (name) => (await definitions.graph(name)) !== undefined),
    obm: { act: () => Promise.resolve(world.bmc) },
    sealer: sealerOf({
      file: 'test',
      keys: [{ id: '00000001', createdAt: '2026-01-01T00:00:00.000Z', key: Buffer.alloc(32, 7).toString('base64') }],
    }),
    why: fakeWhy(store),
    configView: () => ({ apiServerAddress: '172.31.128.1', mongo: 'sqlite', PATH: '/usr/bin', httpEndpoints: [] }),
    metrics: () => Promise.resolve('# HELP up 1 if the server runs\nup 1\n'),
    health: () => Promise.resolve(world.health),
  };
  const server: TestServer = await startTestServer(createApi(deps, { version: '0.0.0', ...options }));
  const world: ApiWorld = {
    url: server.url,
    store,
    facts,
    deps,
    bmc: { ok: true, power: 'on' },
    health: { ok: true, parts: { store: { ok: true } } },
    call: (method, path, body) =>
      ask(server.url + path, {
        method,
        headers: { 'content-type': 'application/json' },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      }),
    reset: async () => {
      await facts.flush();
      for (const name of ['nodes', 'catalogs', 'lookups', 'leases', 'obms', 'runs', 'definitions', 'facts'] as const) {
        await store[name].deleteWhere({});
      }
      world.bmc = { ok: true, power: 'on' };
      world.health = { ok: true, parts: { store: { ok: true } } };
    },
    close: async () => {
      draining.abort();
      await images.stop();
      await server.close();
      await rm(directory, { recursive: true });
      await facts.stop();
      await closeStore();
    },
  };
  return world;
}

function fakeWhy(store: Store): ApiDeps['why'] {
  const timeline = async ({ id }: Machine) =>
    (
      await store.facts.find({
        where: id.includes(':') ? { mac: id } : { nodeId: id },
        sort: { field: 'at', order: 'asc' },
      })
    ).items;
  return {
    timeline,
    diagnosis: ({ id }) =>
      Promise.resolve({ name: id, at: '2026-01-01T00:00:00.000Z', outcome: 'unknown', verdicts: [] }),
    text: async (node) => (await timeline(node)).map(({ at, text }) => `${at} ${text}\n`).join(''),
  };
}

const noopJob = defineJob({
  runJob: 'Job.noop',
  mode: 'effect',
  onInterrupt: 'repeat',
  options: z.looseObject({}),
  run: () => Promise.resolve({ ok: true }),
});

const baseTask: BaseTaskDefinition = {
  friendlyName: 'base noop',
  injectableName: 'Task.Base.noop',
  runJob: 'Job.noop',
  requiredOptions: [],
  requiredProperties: {},
  properties: {},
};
const task: TaskDefinition = {
  friendlyName: 'noop',
  injectableName: 'Task.noop',
  implementsTask: 'Task.Base.noop',
  options: {},
  properties: {},
};
const graph = (injectableName: string): GraphDefinition => ({
  friendlyName: injectableName.replaceAll('.', ' '),
  injectableName,
  tasks: [
    { label: 'noop-1', taskName: 'Task.noop' },
    { label: 'noop-2', taskName: 'Task.noop', waitOn: { 'noop-1': 'finished' } },
  ],
});
const shipped: ShippedDefinitions = {
  graphs: new Map(['Graph.noop-example', 'Graph.PowerOn.Node', 'Graph.Reboot.Node'].map((name) => [name, graph(name)])),
  tasks: new Map([[task.injectableName, task]]),
  baseTasks: new Map([[baseTask.injectableName, baseTask]]),
};

/** Any text, in a place of the expectation that has a type. */
export const anyText: unknown = expect.any(String);

/** Options with this key are refused as invalid. */
export const invalidOption = 'invalid';

function fakeEngine(store: Store, known: (graph: string) => Promise<boolean>): ApiDeps['engine'] {
  const activeRun = async (nodeId: string): Promise<Run | undefined> =>
    (await store.runs.find({ where: { nodeId, state: 'running' }, limit: 1 })).items[0];
  return {
    activeRun,
    start: async ({ graph: name, nodeId, options = {}, context = {} }) => {
      if (!(await known(name))) {
        return { ok: false, reason: 'unknown-graph', message: `Graph definition not found for ${name}` };
      }
      if (invalidOption in options) {
        return {
          ok: false,
          reason: 'invalid',
          message: 'the graph cannot be run',
          errors: ['noop-1: option x is required'],
        };
      }
      const definition: ResolvedGraph = {
        injectableName: name,
        friendlyName: name,
        options,
        tasks: resolvedTasks,
      };
      const stored = await store.definitions.insert({ kind: 'resolved', name, body: definition });
      const inserted = await store.runs.insert(draftRun(name, stored.ok ? stored.document.id : '', nodeId, context));
      if (inserted.ok) return { ok: true, run: inserted.document };
      return { ok: false, reason: 'busy', message: 'the node has an active run' };
    },
    cancel: async (runId, reason) => {
      const result = await modify(store.runs, runId, (run): Run => ({
        ...run,
        state: 'cancelled',
        sweepKey: 'done',
        activeKey: run.instanceId,
        error: { reason: 'cancelled', message: reason },
      }));
      return result.ok ? 'accepted' : 'refused';
    },
  };
}

const resolvedTasks: ResolvedGraph['tasks'] = ['noop-1', 'noop-2'].map((label) => ({
  label,
  taskName: 'Task.noop',
  friendlyName: 'noop',
  runJob: 'Job.noop',
  options: {},
  properties: {},
  waitOn: label === 'noop-2' ? { 'noop-1': 'finished' } : {},
  ignoreFailure: false,
  mode: 'effect',
  onInterrupt: 'repeat',
}));

function draftRun(name: string, definitionId: string, nodeId: string | undefined, context: Run['context']): Draft<Run> {
  const instanceId = randomUUID();
  return {
    instanceId,
    name,
    injectableName: name,
    definitionId,
    ...(nodeId === undefined ? {} : { nodeId }),
    activeKey: nodeId ?? instanceId,
    state: 'running',
    sweepKey: 'active',
    context,
    tasks: {
      'noop-1': { state: 'claimed', attempt: 1, instanceId: randomUUID(), startedAt: '2026-01-01T00:00:00.000Z' },
      'noop-2': { state: 'pending', attempt: 0, instanceId: randomUUID() },
    },
    consumed: [],
    outbox: [],
    outboxSeq: 0,
  };
}

/** A stored node; `fields` over a plain one. */
export async function addNode(store: Store, fields: Partial<Node> = {}): Promise<Node> {
  const inserted = await store.nodes.insert({
    name: 'node',
    type: 'compute',
    identifiers: [],
    state: { name: 'new', since: '2026-01-01T00:00:00.000Z' },
    summary: {},
    tags: [],
    autoDiscover: false,
    sku: null,
    relations: [],
    ...fields,
  });
  if (!inserted.ok) throw new Error('the node could not be stored');
  return inserted.document;
}

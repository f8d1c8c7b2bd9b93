import { createHash } from 'node:crypto';
import { nextNodeState } from '../model/node-states.ts';
import type { ResolvedGraph, Run } from '../model/run.ts';
import type { Store } from '../store/collections.ts';
import { advance } from './advance.ts';
import type { Definitions } from './definitions.ts';
import type { StartRequest, StartResult } from './engine-interface.ts';
import { resolveGraph } from './graph.ts';
import { newRun } from './new-run.ts';
import type { Scope } from './render.ts';

export interface StartDeps {
  readonly store: Store;
  readonly definitions: Definitions;
  readonly scope: Scope;
  readonly now: () => Date;
}

/** Resolves the graph, stores it by its hash, and stores the run after its first step, in one write. */
export async function startRun(deps: StartDeps, request: StartRequest): Promise<StartResult> {
  const { store, definitions, scope } = deps;
  const definition = await definitions.graph(request.graph);
  if (!definition) return { ok: false, reason: 'unknown-graph', message: `there is no graph ${request.graph}` };
  const library = await definitions.libraryFor(definition);
  const resolved = resolveGraph({ definition, options: request.options ?? {}, scope }, library);
  if (!resolved.ok) {
    const { errors } = resolved;
    return { ok: false, reason: 'invalid', message: `${request.graph} cannot be run: ${errors.join('; ')}`, errors };
  }
  const objection = await nodeObjection(store, resolved.graph, request.nodeId);
  if (objection !== undefined) return { ok: false, reason: 'invalid', message: objection, errors: [objection] };
  const run = await insertRun(deps, resolved.graph, request);
  if (run) return { ok: true, run };
  const message = `node ${request.nodeId ?? ''} has an active workflow: a node runs one at a time`;
  return { ok: false, reason: 'busy', message };
}

async function nodeObjection(store: Store, graph: ResolvedGraph, nodeId?: string): Promise<string | undefined> {
  const { nodeEvents, injectableName } = graph;
  if (nodeId === undefined) return nodeEvents ? `${injectableName} needs a node` : undefined;
  const node = await store.nodes.get(nodeId);
  if (!node) return `there is no node ${nodeId}`;
  if (!nodeEvents || nextNodeState(node.state.name, nodeEvents) !== undefined) return undefined;
  return `node ${nodeId} is ${node.state.name}: ${injectableName} cannot ${nodeEvents} it from there`;
}

/** The stored run; undefined where the node has an active one. */
async function insertRun(deps: StartDeps, graph: ResolvedGraph, request: StartRequest): Promise<Run | undefined> {
  const { store } = deps;
  const now = deps.now();
  const definitionId = await storeResolved(store, graph);
  const { nodeId, context = {} } = request;
  const fresh = newRun({ graph, definitionId, context, now, ...(nodeId === undefined ? {} : { nodeId }) });
  const { run = fresh } = advance(fresh, graph, { kind: 'start' }, now);
  const inserted = await store.runs.insert(run);
  return inserted.ok ? inserted.document : undefined;
}

/** Stores the graph under its hash; runs with the same options share it. */
async function storeResolved(store: Store, graph: ResolvedGraph): Promise<string> {
  const hash = createHash('sha256').update(JSON.stringify(graph)).digest('hex');
  const id = `resolved:${hash}`;
  if (!(await store.definitions.get(id)))
    await store.definitions.insert({ id, kind: 'resolved', name: hash, body: graph });
  return id;
}

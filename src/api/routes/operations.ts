import { z } from 'zod';
import { defineRoute, type Route, type RouteResponse } from '../../http/route.ts';
import type { Run } from '../../model/run.ts';
import type { StartRequest } from '../../workflows/engine-interface.ts';
import type { ApiDeps } from '../deps.ts';
import { present, type Present } from '../present.ts';
import { findRun } from '../runs.ts';
import { problem, withNodeId } from './answers.ts';
import { byId, byOperation, defaultLimit, operationSchema, pageSchema, paging, type Operation } from './schemas.ts';

const bag = z.record(z.string(), z.unknown());

/** Operations: what runs or ran, each an execution of a graph. */
export function operationsRoutes(deps: ApiDeps): Route[] {
  return [listOperations(deps), getOperation(deps), cancelOperation(deps), startOnNode(deps)];
}

/** Starts a run and answers 202 with its place; refusals in words. */
export async function startOperation({ engine }: ApiDeps, request: StartRequest): Promise<RouteResponse> {
  const started = await engine.start(request);
  if (started.ok) return accepted(started.run);
  if (started.reason === 'invalid') {
    const errors = (started.errors ?? []).map((expected) => ({ field: 'body.options', expected }));
    return { problem: { status: 400, detail: started.message, errors } };
  }
  if (started.reason === 'unknown-graph') return problem(404, started.message);
  const active = request.nodeId === undefined ? undefined : await engine.activeRun(request.nodeId);
  return problem(
    409,
    active === undefined
      ? started.message
      : `The node is busy with operation ${active.id} (${active.name}): cancel it, or wait for its end.`,
    active === undefined ? undefined : { location: `/operations/${active.id}` },
  );
}

function accepted(run: Run): RouteResponse {
  return { status: 202, json: operationView(run), headers: { location: `/operations/${run.id}` } };
}

function listOperations({ store }: ApiDeps): Route {
  return defineRoute({
    method: 'get',
    path: '/operations',
    operationId: 'listOperations',
    summary: 'Operations, newest first',
    tag: 'operations',
    query: z.strictObject({
      ...paging,
      node: z.string().optional().describe("a node's id"),
      state: z.enum(['running', 'succeeded', 'failed', 'cancelled']).optional(),
    }),
    responses: { 200: pageSchema(operationSchema) },
    handle: async ({ query: { limit = defaultLimit, cursor, node, state } }) => {
      const page = await store.runs.find({
        where: present({ nodeId: node, state }),
        sort: { field: 'createdAt', order: 'desc' },
        limit,
        ...(cursor === undefined ? {} : { after: cursor }),
      });
      const items = page.items.map(operationView);
      return { status: 200, json: page.next === undefined ? { items } : { items, next: page.next } };
    },
  });
}

function getOperation({ store }: ApiDeps): Route {
  return defineRoute({
    method: 'get',
    path: '/operations/:id',
    operationId: 'getOperation',
    summary: 'One operation with its tasks',
    tag: 'operations',
    params: byOperation,
    responses: { 200: operationSchema, 404: 'There is no such operation' },
    handle: async ({ params: { id } }) => {
      const run = await findRun(store, id);
      return run === undefined ? operationNotFound(id) : { status: 200, json: operationView(run) };
    },
  });
}

function cancelOperation({ store, engine }: ApiDeps): Route {
  return defineRoute({
    method: 'post',
    path: '/operations/:id/cancel',
    operationId: 'cancelOperation',
    summary: 'Cancel an operation',
    tag: 'operations',
    params: byOperation,
    body: z.strictObject({ reason: z.string().max(1000).optional() }),
    responses: { 202: operationSchema, 404: 'There is no such operation', 409: 'It has ended' },
    handle: async ({ params: { id }, body: { reason } }) => {
      const run = await findRun(store, id);
      if (run === undefined) return operationNotFound(id);
      if (run.state !== 'running') return problem(409, `Operation ${run.id} has ended: it ${endedAs[run.state]}.`);
      await engine.cancel(run.id, reason ?? 'cancelled by an operator');
      return accepted((await store.runs.get(run.id)) ?? run);
    },
  });
}

const endedAs = { succeeded: 'succeeded', failed: 'failed', cancelled: 'was cancelled' } as const;

function startOnNode(deps: ApiDeps): Route {
  return defineRoute({
    method: 'post',
    path: '/nodes/:id/workflows',
    operationId: 'startNodeWorkflow',
    summary: 'Run a graph on a node',
    tag: 'operations',
    params: byId,
    body: z.strictObject({
      graph: z.string().min(1).describe('injectableName of a graph'),
      options: bag.optional().describe('{ defaults: {..}, <label>: {..} }'),
      context: bag.optional(),
    }),
    responses: { 202: operationSchema, 400: 'Invalid options', 404: 'No such node or graph', 409: 'The node is busy' },
    handle: ({ params: { id }, body }) =>
      withNodeId(deps, id, (node) => startOperation(deps, { ...present(body), nodeId: node.id })),
  });
}

const operationNotFound = (id: string): RouteResponse => problem(404, `There is no operation '${id}'.`);

/** A run as our API shows it: its progress, without options and context, which may hold what only tasks should know. */
export function operationView(run: Run): Present<Operation> {
  const { id, instanceId, injectableName: graph, name, state, nodeId, error, createdAt, endedAt } = run;
  const tasks = Object.entries(run.tasks).map(([label, task]) =>
    present({
      label,
      state: task.state,
      attempt: task.attempt,
      startedAt: task.startedAt,
      endedAt: task.endedAt,
      deadline: task.deadline,
      error: task.error,
    }),
  );
  return present({ id, instanceId, graph, name, state, nodeId, error, createdAt, endedAt, tasks });
}

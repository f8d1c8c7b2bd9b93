import { z } from 'zod';
import { defineRoute, type Route, type RouteResponse } from '../../../http/route.ts';
import type { Run } from '../../../model/run.ts';
import type { Filter } from '../../../store/repository.ts';
import type { ApiDeps } from '../../deps.ts';
import { nodeByIdentifier } from '../../find-node.ts';
import { findAll } from '../../pages.ts';
import { definitionsOf, findRun } from '../../runs.ts';
import { startQuery, startWorkflow, workflowAction } from '../bodies.ts';
import { badRequest, nodeNotFound, noContent, notFound } from '../form.ts';
import { pageLinks } from '../links.ts';
import { listQuery, sortPage, type ListQuery } from '../query.ts';
import { rawRun, runView } from '../run-views.ts';
import { startRun } from '../start-run.ts';
import { basePath } from '../views.ts';

const identified = z.object({ identifier: z.string() });
const runsQuery = listQuery({ rename: { node: 'nodeId', _status: 'state', status: 'state' }, sort: ['name', 'id'] });

/** RackHD's `/workflows` and `/nodes/:id/workflows`: runs of graphs. */
export function workflowsRoutes(deps: ApiDeps): Route[] {
  return [
    listWorkflows(deps),
    startWorkflowRoute(deps),
    getWorkflow(deps),
    deleteWorkflow(deps),
    workflowActionRoute(deps),
    listNodeWorkflows(deps),
    startNodeWorkflow(deps),
    nodeWorkflowAction(deps),
  ];
}

/** `active` in our terms; a filter of the client's own on the state loses against it. */
function whereActive({ where, active }: ListQuery): Filter {
  if (active === undefined) return where;
  return { ...where, state: active ? 'running' : { in: ['succeeded', 'failed', 'cancelled'] } };
}

function listWorkflows({ store }: ApiDeps): Route {
  return defineRoute({
    method: 'get',
    path: '/workflows',
    operationId: 'workflowsGet',
    summary: 'Get a list of workflow instances',
    tag: basePath,
    query: runsQuery,
    responses: { 200: 'Successfully retrieved workflows' },
    handle: async ({ query }) => {
      const { skip, top, sort, filter, active } = query;
      const where = whereActive(query);
      const found = await findAll(store.runs, { where, ...(skip === undefined ? {} : { skip }) }, top);
      const runs = sortPage(found, sort, (run, field) => (field === 'name' ? run.name : run.id));
      const definitions = await definitionsOf(store, runs);
      const kept = [active === undefined ? '' : `active=${active}`, filter].filter((part) => part !== '').join('&');
      const links =
        skip === undefined && top === undefined
          ? undefined
          : pageLinks({ path: `${basePath}/workflows`, skip, top, count: await store.runs.count(where), filter: kept });
      return {
        status: 200,
        json: runs.map((run) => runView(run, definitions.get(run.definitionId))),
        ...(links === undefined ? {} : { headers: { link: links } }),
      };
    },
  });
}

function startWorkflowRoute(deps: ApiDeps): Route {
  return defineRoute({
    method: 'post',
    path: '/workflows',
    operationId: 'workflowsPost',
    summary: 'Run a workflow',
    tag: basePath,
    query: startQuery,
    body: startWorkflow,
    responses: { 201: 'Successfully started the specified workflow', 404: 'There is no such graph' },
    handle: ({ query, body }) => startRun(deps, undefined, query.name, body),
  });
}

function getWorkflow({ store }: ApiDeps): Route {
  return defineRoute({
    method: 'get',
    path: '/workflows/:identifier',
    operationId: 'workflowsGetByInstanceId',
    summary: 'Get the specified workflow',
    tag: basePath,
    params: identified,
    responses: { 200: 'Successfully retrieved the specified workflow', 404: 'There is no such workflow' },
    handle: async ({ params: { identifier } }) => {
      const run = await findRun(store, identifier);
      if (run === undefined) return runNotFound(identifier);
      const definitions = await definitionsOf(store, [run]);
      return { status: 200, json: runView(run, definitions.get(run.definitionId)) };
    },
  });
}

function deleteWorkflow({ store }: ApiDeps): Route {
  return defineRoute({
    method: 'delete',
    path: '/workflows/:identifier',
    operationId: 'workflowsDeleteByInstanceId',
    summary: 'Delete the specified workflow',
    tag: basePath,
    params: identified,
    responses: { 204: 'Successfully deleted the specified workflow', 403: 'It is active', 404: 'There is none' },
    handle: async ({ params: { identifier } }) => {
      const run = await findRun(store, identifier);
      if (run === undefined) return runNotFound(identifier);
      // A run that has ended but not yet published its end is the engine's still.
      const deleted = run.sweepKey === 'done' && (await store.runs.delete(run.id, run.version));
      if (!deleted) {
        return { problem: { status: 403, detail: `Forbidden to delete an active workflow ${identifier}` } };
      }
      await store.signals.deleteWhere({ runId: run.id });
      await store.taskOutputs.deleteWhere({ runId: run.id });
      return noContent;
    },
  });
}

function workflowActionRoute(deps: ApiDeps): Route {
  return defineRoute({
    method: 'put',
    path: '/workflows/:identifier/action',
    operationId: 'workflowsAction',
    summary: 'Perform an action on the specified workflow',
    tag: basePath,
    params: identified,
    body: workflowAction,
    responses: { 202: 'Successfully performed the action on the specified workflow', 404: 'There is no such workflow' },
    handle: async ({ params: { identifier }, body: { command } }) => {
      if (command !== 'cancel') return badRequest(`${command} is not a valid workflow action`);
      const run = await findRun(deps.store, identifier);
      if (run === undefined) return runNotFound(identifier);
      return run.state === 'running' ? cancel(deps, run) : badRequest(`${identifier} is not an active workflow`);
    },
  });
}

async function cancel({ engine, store }: ApiDeps, run: Run): Promise<RouteResponse> {
  await engine.cancel(run.id, 'cancelled over the API');
  const now = (await store.runs.get(run.id)) ?? run;
  const definitions = await definitionsOf(store, [now]);
  return {
    status: 202,
    json: rawRun(now, definitions.get(now.definitionId)),
    headers: { location: `${basePath}/workflows/${now.instanceId}` },
  };
}

function listNodeWorkflows({ store }: ApiDeps): Route {
  return defineRoute({
    method: 'get',
    path: '/nodes/:identifier/workflows',
    operationId: 'nodesGetWorkflowById',
    summary: 'Get all workflows for a node',
    tag: basePath,
    params: identified,
    query: runsQuery,
    responses: { 200: 'Successfully retrieved the workflows for specified node', 404: 'There is no such node' },
    handle: async ({ params: { identifier }, query }) => {
      const node = await nodeByIdentifier(store, identifier);
      if (node === undefined) return nodeNotFound(identifier);
      const runs = await findAll(store.runs, { where: { ...whereActive(query), nodeId: node.id } });
      const definitions = await definitionsOf(store, runs);
      return { status: 200, json: runs.map((run) => rawRun(run, definitions.get(run.definitionId))) };
    },
  });
}

function startNodeWorkflow(deps: ApiDeps): Route {
  return defineRoute({
    method: 'post',
    path: '/nodes/:identifier/workflows',
    operationId: 'nodesPostWorkflowById',
    summary: 'Run a workflow on a node',
    tag: basePath,
    params: identified,
    query: startQuery,
    body: startWorkflow,
    responses: { 201: 'Successfully started the specified workflow.', 404: 'There is no such node, or no such graph' },
    handle: async ({ params: { identifier }, query, body }) => {
      const node = await nodeByIdentifier(deps.store, identifier);
      return node === undefined ? nodeNotFound(identifier) : startRun(deps, node.id, query.name, body);
    },
  });
}

function nodeWorkflowAction(deps: ApiDeps): Route {
  return defineRoute({
    method: 'put',
    path: '/nodes/:identifier/workflows/action',
    operationId: 'nodesWorkflowActionById',
    summary: "Perform an action on a node's active workflow",
    tag: basePath,
    params: identified,
    body: workflowAction,
    responses: { 202: 'Successfully performed the action on the workflow', 404: 'The node has no active workflow' },
    handle: async ({ params: { identifier }, body: { command } }) => {
      if (command !== 'cancel') return badRequest(`${command} is not a valid workflow action`);
      const node = await nodeByIdentifier(deps.store, identifier);
      if (node === undefined) return nodeNotFound(identifier);
      const run = await deps.engine.activeRun(node.id);
      return run === undefined ? notFound(`No active workflow graph found for node ${identifier}`) : cancel(deps, run);
    },
  });
}

const runNotFound = (id: string): RouteResponse => notFound(`Graph instance not found for ${id}`);

import { z } from 'zod';
import { defineRoute, type Route, type RouteResponse } from '../../../http/route.ts';
import { graphDefinitionSchema, type GraphDefinition } from '../../../model/graph.ts';
import type { PutResult } from '../../../workflows/definitions.ts';
import type { ApiDeps } from '../../deps.ts';
import { noContent, notFound } from '../form.ts';
import { basePath, graphView, taskView } from '../views.ts';

const named = z.object({ injectableName: z.string() });

/** Accepts an unknown `implementsTask`, as RackHD does: it is looked up when a graph is run. */
const taskBody = z.looseObject({
  friendlyName: z.string().min(1),
  injectableName: z.string().min(1),
  implementsTask: z.string().min(1).optional(),
  runJob: z.string().min(1).optional(),
  options: z.record(z.string(), z.unknown()).default({}),
  properties: z.record(z.string(), z.unknown()).default({}),
});

/** RackHD's `/workflows/graphs` and `/workflows/tasks`: the library of definitions. */
export function libraryRoutes(deps: ApiDeps): Route[] {
  return [...graphRoutes(deps), ...taskRoutes(deps)];
}

function graphRoutes({ definitions }: ApiDeps): Route[] {
  return [
    defineRoute({
      method: 'get',
      path: '/workflows/graphs',
      operationId: 'workflowsGetGraphs',
      summary: 'Get list of workflow graphs',
      tag: basePath,
      responses: { 200: 'Successfully retrieved all workflow graphs' },
      handle: async () => ({ status: 200, json: (await definitions.graphs()).map(graphView) }),
    }),
    defineRoute({
      method: 'put',
      path: '/workflows/graphs',
      operationId: 'workflowsPutGraphs',
      summary: 'Put a graph',
      tag: basePath,
      body: graphDefinitionSchema,
      responses: { 201: 'Successfully created or modified a workflow graph.', 400: 'The graph cannot be run' },
      handle: async ({ body }) =>
        putAnswer(await definitions.putGraph(withoutLinks(body)), {
          status: 201,
          text: body.injectableName,
          type: 'text/plain; charset=utf-8',
        }),
    }),
    defineRoute({
      method: 'get',
      path: '/workflows/graphs/:injectableName',
      operationId: 'workflowsGetGraphsByName',
      summary: 'Get the specified workflow graph: a list of one, or an empty one',
      tag: basePath,
      params: named,
      responses: { 200: 'Successfully retrieved the workflow graph with the specified injectable name' },
      handle: async ({ params: { injectableName } }) => {
        // Clients write `*` for all.
        const graphs = injectableName === '*' ? await definitions.graphs() : [await definitions.graph(injectableName)];
        return { status: 200, json: graphs.filter((graph) => graph !== undefined).map(graphView) };
      },
    }),
    defineRoute({
      method: 'delete',
      path: '/workflows/graphs/:injectableName',
      operationId: 'workflowsDeleteGraphsByName',
      summary: 'Delete the specified workflow graph',
      tag: basePath,
      params: named,
      responses: { 204: 'Successfully deleted the specified workflow graph', 404: 'There is no such graph' },
      handle: async ({ params: { injectableName } }) =>
        (await definitions.deleteGraph(injectableName))
          ? noContent
          : notFound(`Graph definition not found for ${injectableName}`),
    }),
  ];
}

function taskRoutes({ definitions }: ApiDeps): Route[] {
  return [
    defineRoute({
      method: 'get',
      path: '/workflows/tasks',
      operationId: 'workflowsGetAllTasks',
      summary: 'Get list of workflow tasks',
      tag: basePath,
      responses: { 200: 'Successfully retrieved workflow tasks' },
      handle: async () => ({ status: 200, json: (await definitions.tasks()).map(taskView) }),
    }),
    defineRoute({
      method: 'put',
      path: '/workflows/tasks',
      operationId: 'workflowsPutTask',
      summary: 'Put a workflow task',
      tag: basePath,
      body: taskBody,
      responses: { 201: 'Successfully created or modified workflow task', 400: 'The task cannot be run' },
      handle: async ({ body }) => putAnswer(await definitions.putTask(body), { status: 201, json: taskView(body) }),
    }),
    defineRoute({
      method: 'get',
      path: '/workflows/tasks/:injectableName',
      operationId: 'workflowsGetTasksByName',
      summary: 'Get the specified workflow task: a list of one, or an empty one',
      tag: basePath,
      params: named,
      responses: { 200: 'Successfully retrieved the task with the specified injectable name' },
      handle: async ({ params: { injectableName } }) => {
        const task = await definitions.task(injectableName);
        return { status: 200, json: task === undefined ? [] : [taskView(task)] };
      },
    }),
    defineRoute({
      method: 'delete',
      path: '/workflows/tasks/:injectableName',
      operationId: 'workflowsDeleteTasksByName',
      summary: 'Delete the specified workflow task',
      tag: basePath,
      params: named,
      responses: { 204: 'Successfully deleted the specified workflow task', 404: 'There is no such task' },
      handle: async ({ params: { injectableName } }) =>
        (await definitions.deleteTask(injectableName))
          ? noContent
          : notFound(`Task definition not found for ${injectableName}`),
    }),
  ];
}

/** Clients put back what they got, where tasks are named by links. */
function withoutLinks(graph: GraphDefinition): GraphDefinition {
  return {
    ...graph,
    tasks: graph.tasks.map((task) =>
      task.taskName === undefined ? task : { ...task, taskName: task.taskName.split('/').at(-1) },
    ),
  };
}

function putAnswer(result: PutResult, answer: RouteResponse): RouteResponse {
  if (result.ok) return answer;
  const errors = (result.errors ?? []).map((expected) => ({ field: 'body', expected }));
  return { problem: { status: 400, detail: result.message, errors } };
}

import type { RouteResponse } from '../../http/route.ts';
import type { ApiDeps } from '../deps.ts';
import { definitionsOf } from '../runs.ts';
import { nodeById } from '../find-node.ts';
import type { StartWorkflow } from './bodies.ts';
import { badRequest, notFound } from './form.ts';
import { rawRun } from './run-views.ts';

/** RackHD's words for a node that has an active run; clients look for them. */
const busyMessage = 'Unable to run multiple task graphs against a single target.';

/** Starts a workflow as RackHD does: 201 with the raw graph object. The name in the query wins over the body's. */
export async function startRun(
  deps: ApiDeps,
  nodeId: string | undefined,
  queryName: string | undefined,
  body: StartWorkflow,
): Promise<RouteResponse> {
  const name = queryName ?? body.name;
  if (name === undefined || name === '') return badRequest('Graph name is missing or in wrong format');
  const target = nodeId ?? (await targetOf(deps, body));
  const started = await deps.engine.start({
    graph: name,
    ...(target === undefined ? {} : { nodeId: target }),
    ...(body.options ? { options: body.options } : {}),
    ...(body.context ? { context: body.context } : {}),
  });
  if (started.ok) {
    const definitions = await definitionsOf(deps.store, [started.run]);
    return { status: 201, json: rawRun(started.run, definitions.get(started.run.definitionId)) };
  }
  if (started.reason === 'unknown-graph') return notFound(started.message);
  if (started.reason === 'busy') return badRequest(busyMessage);
  const errors = (started.errors ?? []).map((expected) => ({ field: 'body.options', expected }));
  return { problem: { status: 400, detail: started.message, errors } };
}

/**
 * `POST /workflows` names a node only inside its options. A run that acts on a node belongs to it, so that it is on the
 * node's timeline and no second one runs beside it.
 */
async function targetOf({ store }: ApiDeps, { options }: StartWorkflow): Promise<string | undefined> {
  const defaults = options?.defaults;
  for (const id of [at(defaults, 'nodeId'), at(at(defaults, 'graphOptions'), 'target')]) {
    if (typeof id === 'string' && (await nodeById(store, id)) !== undefined) return id;
  }
  return undefined;
}

function at(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, key)
    ? (value as Record<string, unknown>)[key]
    : undefined;
}

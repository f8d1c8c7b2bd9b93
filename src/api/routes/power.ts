import { z } from 'zod';
import { defineRoute, type Route } from '../../http/route.ts';
import type { ObmResult } from '../../obm/driver.ts';
import type { ApiDeps } from '../deps.ts';
import { problem, withNode, withNodeId } from './answers.ts';
import { startOperation } from './operations.ts';
import { byId, byWord, operationSchema } from './schemas.ts';

/** Power action -> the graph that carries it out, so that it is on the timeline and no second run is beside it. */
const graphs = {
  on: 'Graph.PowerOn.Node',
  off: 'Graph.PowerOff.Node',
  cycle: 'Graph.Reboot.Node',
  reset: 'Graph.Reset.Node',
  soft: 'Graph.Reset.Soft.Node',
} as const;
type Action = keyof typeof graphs;
const actions = Object.keys(graphs) as [Action, ...Action[]];

/** How long one question to a BMC may take. */
const statusDeadlineMs = 20_000;

/** `GET` and `POST /nodes/:id/power`. */
export function powerRoutes(deps: ApiDeps): Route[] {
  return [powerStatus(deps), powerAction(deps)];
}

function powerAction(deps: ApiDeps): Route {
  return defineRoute({
    method: 'post',
    path: '/nodes/:id/power',
    operationId: 'powerNode',
    summary: "Change a node's power: on, off, cycle, reset, or soft (asks its system to shut down)",
    tag: 'power',
    params: byId,
    body: z.strictObject({ action: z.enum(actions, `must be one of ${actions.join(', ')}`) }),
    responses: { 202: operationSchema, 404: 'There is no such node', 409: 'The node is busy, or its BMC is unknown' },
    handle: ({ params: { id }, body: { action } }) =>
      withNodeId(deps, id, async (node) => {
        if ((await deps.store.obms.count({ nodeId: node.id })) === 0) return problem(409, withoutObm(node.id));
        return startOperation(deps, { graph: graphs[action], nodeId: node.id });
      }),
  });
}

function powerStatus(deps: ApiDeps): Route {
  return defineRoute({
    method: 'get',
    path: '/nodes/:id/power',
    operationId: 'getNodePower',
    summary: "Ask a node's BMC whether the node is on",
    tag: 'power',
    params: byWord,
    responses: {
      200: z.object({ power: z.enum(['on', 'off', 'unknown']).describe('unknown: its controller cannot tell') }),
      404: 'There is no such node',
      409: 'Its BMC is unknown',
      502: 'The BMC refused',
      504: 'The BMC did not answer',
    },
    handle: ({ params: { id }, signal }) =>
      withNode(deps, id, async (node) => {
        const deadline = AbortSignal.any([signal, AbortSignal.timeout(statusDeadlineMs)]);
        const result = await deps.obm.act(node.id, 'powerStatus', deadline);
        if (!result.ok) return problem(failureStatus[result.reason], failureText(node.id, result));
        return { status: 200, json: { power: result.power ?? 'unknown' } };
      }),
  });
}

type Failure = Extract<ObmResult, { ok: false }>;

const failureStatus = {
  'no-obm': 409,
  auth: 502,
  refused: 502,
  unreachable: 504,
  timeout: 504,
} as const satisfies Record<Failure['reason'], number>;

function failureText(nodeId: string, { reason, message }: Failure): string {
  return reason === 'no-obm' ? withoutObm(nodeId) : message;
}

function withoutObm(nodeId: string): string {
  return `Node ${nodeId} has no power settings: discovery makes them, or PUT /api/2.0/nodes/${nodeId}/obm.`;
}

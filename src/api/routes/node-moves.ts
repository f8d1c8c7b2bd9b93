import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { defineRoute, type Route, type RouteResponse } from '../../http/route.ts';
import { nextNodeState, type NodeEvent, type NodeStateName } from '../../model/node-states.ts';
import type { Node } from '../../model/node.ts';
import { modify } from '../../store/modify.ts';
import type { ApiDeps } from '../deps.ts';
import { problem, withNodeId } from './answers.ts';
import { nodeItems } from './node-view.ts';
import { byId, nodeItemSchema } from './schemas.ts';

/** The moves that an operator may order, and the event of the state table that each is. */
const moves = { maintenance: 'hold', resume: 'resume' } as const satisfies Record<string, NodeEvent>;
type Move = keyof typeof moves;

/** What an operator may do with a node in this state, by the table of states. */
export function legalMoves(state: NodeStateName): Move[] {
  return (Object.keys(moves) as Move[]).filter((move) => nextNodeState(state, moves[move]) !== undefined);
}

const reasonBody = z.strictObject({ reason: z.string().max(1000).optional() });

/** `POST /nodes/:id/maintenance` and `/resume`. */
export function nodeMoveRoutes(deps: ApiDeps): Route[] {
  return [
    moveRoute(deps, 'maintenance', 'Take a node out of service: it gets an address and nothing to boot'),
    moveRoute(deps, 'resume', 'Give a node in maintenance back: its next network boot discovers it'),
  ];
}

function moveRoute(deps: ApiDeps, move: Move, summary: string): Route {
  return defineRoute({
    method: 'post',
    path: `/nodes/:id/${move}`,
    operationId: `${move}Node`,
    summary,
    tag: 'nodes',
    params: byId,
    body: reasonBody,
    responses: { 200: nodeItemSchema, 404: 'There is no such node', 409: "The node's state has no such move" },
    handle: ({ params: { id }, body: { reason } }) =>
      withNodeId(deps, id, (node) => applyMove(deps, node, move, reason)),
  });
}

async function applyMove(
  { store, facts, now }: ApiDeps,
  { id }: Node,
  move: Move,
  reason: string | undefined,
): Promise<RouteResponse> {
  const since = now().toISOString();
  const eventId = randomUUID();
  const moved = await modify(store.nodes, id, (node) => {
    const name = nextNodeState(node.state.name, moves[move]);
    return name && { ...node, state: { name, since, eventId, ...(reason === undefined ? {} : { reason }) } };
  });
  if (!moved.ok)
    return moved.reason === 'unchanged'
      ? refusal(moved.document.state.name, move)
      : problem(404, `Node ${id} is gone.`);
  const { state } = moved.document;
  const why = reason === undefined ? '' : `: ${reason}`;
  await facts.append([
    {
      kind: 'node.state',
      how: 'self',
      text: `an operator moved the node to '${state.name}'${why}`,
      nodeId: id,
      id: eventId,
      at: since,
    },
  ]);
  const [item] = await nodeItems(store, [moved.document]);
  return { status: 200, json: item };
}

function refusal(state: NodeStateName, move: Move): RouteResponse {
  const legal = legalMoves(state);
  const possible = legal.length === 0 ? 'none is' : `${legal.join(', ')} ${legal.length === 1 ? 'is' : 'are'}`;
  return problem(
    409,
    `'${move}' is not possible: the node is '${state}'. Of an operator's moves, ${possible} possible there.`,
  );
}

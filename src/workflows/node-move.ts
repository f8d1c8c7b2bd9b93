import type { Node, NodeState } from '../model/node.ts';
import { nextNodeState, nodePurposes, stateDeadlineMs, type NodeEvent } from '../model/node-states.ts';

/** An event of a run (or of the sweep) for its node. */
export interface NodeMove {
  /** Unique, of a run `<run>/<seq>`: the same event, or an earlier one of its run, changes nothing. */
  readonly eventId: string;
  readonly event: NodeEvent;
  readonly runId: string;
  readonly reason?: string;
}

export type MoveResult =
  | { readonly kind: 'moved'; readonly state: NodeState }
  /** This very event brought the node where it is. */
  | { readonly kind: 'repeated' }
  /** The node's state is no longer this run's, or has no such move. */
  | { readonly kind: 'dropped' };

/** Applies an event by the table of node states. Only the run that a node's state names may move it on. */
export function moveNode(node: Pick<Node, 'state'>, move: NodeMove, now: Date): MoveResult {
  const { state } = node;
  if (state.eventId === move.eventId) return { kind: 'repeated' };
  if (isEarlier(move.eventId, state.eventId ?? '')) return { kind: 'dropped' };
  const next = isBeginning(move.event) ? nextNodeState(state.name, move.event) : endState(state, move);
  if (next === undefined) return { kind: 'dropped' };
  const lasts = stateDeadlineMs(next);
  const inProgress =
    lasts === undefined ? {} : { deadline: new Date(now.getTime() + lasts).toISOString(), runId: move.runId };
  const because = move.reason === undefined ? {} : { reason: move.reason };
  const since = now.toISOString();
  return { kind: 'moved', state: { name: next, since, eventId: move.eventId, ...inProgress, ...because } };
}

/** A run begins wherever the table lets it; it ends only what it began. */
function isBeginning(event: NodeEvent): boolean {
  return nodePurposes.some((purpose) => purpose === event);
}

function endState(state: NodeState, { event, runId }: NodeMove): NodeState['name'] | undefined {
  return state.runId === runId ? nextNodeState(state.name, event) : undefined;
}

/** Whether both are events of one run and the first came before the second: somebody publishes it late. */
function isEarlier(eventId: string, than: string): boolean {
  const [run, seq] = eventId.split('/');
  const [otherRun, otherSeq] = than.split('/');
  return run === otherRun && Number(seq) < Number(otherSeq);
}

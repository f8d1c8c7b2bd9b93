import type { DecidedFact, OutboxItem } from '../model/run.ts';
import type { Store } from '../store/collections.ts';
import { modify } from '../store/modify.ts';
import { moveNode, type MoveResult, type NodeMove } from './node-move.ts';

/** Appends to the fact log; a fact whose id is there already adds nothing. */
export type AppendFacts = (facts: readonly DecidedFact[]) => Promise<void>;

export interface PublisherDeps {
  readonly store: Store;
  readonly append: AppendFacts;
  readonly now: () => Date;
}

export interface Publisher {
  /** Makes a run's outbox known: facts to the log, events to the node. Doing it twice does no harm. */
  readonly publish: (runId: string, items: readonly OutboxItem[]) => Promise<void>;
  /** Moves a node by one event and says so on the timeline. */
  readonly move: (nodeId: string, event: NodeMove) => Promise<void>;
}

export function createPublisher({ store, append, now }: PublisherDeps): Publisher {
  async function move(nodeId: string, event: NodeMove): Promise<void> {
    let result: MoveResult = { kind: 'dropped' };
    await modify(store.nodes, nodeId, (node) => {
      result = moveNode(node, event, now());
      return result.kind === 'moved' ? { ...node, state: result.state } : undefined;
    });
    // After a crash between the two writes the event is `repeated`, and its fact still has to be told.
    const { kind } = result as MoveResult;
    if (kind === 'dropped') return;
    const node = await store.nodes.get(nodeId);
    if (node?.state.eventId !== event.eventId) return;
    const { name, reason, since } = node.state;
    const text = `the node is now ${name}${reason === undefined ? '' : `: ${reason}`}`;
    const id = `${event.eventId}/state`;
    const data = { state: name, event: event.event, ...(reason === undefined ? {} : { reason }) };
    await append([{ id, kind: 'node.state', how: 'self', text, at: since, nodeId, runId: event.runId, data }]);
  }

  return {
    move,
    publish: async (runId, items) => {
      const facts = items.flatMap((item) => (item.kind === 'fact' ? [item.fact] : []));
      if (facts.length > 0) await append(facts);
      for (const item of items) {
        if (item.kind !== 'node-event') continue;
        const { id: eventId, event, reason } = item;
        await move(item.nodeId, { eventId, event, runId, ...(reason === undefined ? {} : { reason }) });
      }
    },
  };
}

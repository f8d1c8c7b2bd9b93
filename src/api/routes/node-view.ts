import type { Node, NodeState } from '../../model/node.ts';
import type { Lookup } from '../../model/records.ts';
import type { Store } from '../../store/collections.ts';
import { findAll } from '../pages.ts';
import { present, type Present } from '../present.ts';
import type { NodeItem } from './schemas.ts';

/** Nodes as lists show them: summaries and lookups (one query for all), never catalogs. */
export async function nodeItems(store: Store, nodes: readonly Node[]): Promise<Present<NodeItem>[]> {
  const lookups = await lookupsOf(store, nodes);
  return nodes.map((node) => nodeItem(node, lookups.get(node.id) ?? []));
}

/**
 * The same items as JSON text, for long lists. Where the store hands out a document again that it has kept (it is frozen
 * then), its text of the last time is good as long as the lookups are the same ones too; it goes with the document.
 */
export function createNodeItemTexts(store: Store): (nodes: readonly Node[]) => Promise<string[]> {
  const made = new WeakMap<Node, { readonly lookups: readonly Lookup[]; readonly text: string }>();
  return async (nodes) => {
    const lookups = await lookupsOf(store, nodes);
    return nodes.map((node) => {
      const own = lookups.get(node.id) ?? [];
      const last = made.get(node);
      if (last !== undefined && sameElements(last.lookups, own)) return last.text;
      const text = JSON.stringify(nodeItem(node, own));
      if (Object.isFrozen(node)) made.set(node, { lookups: own, text });
      return text;
    });
  };
}

/** By node, in one query. Sorted as the index is that finds them. */
async function lookupsOf(store: Store, nodes: readonly Node[]): Promise<Map<string, Lookup[]>> {
  if (nodes.length === 0) return new Map();
  const where = { node: { in: nodes.map(({ id }) => id) } };
  const lookups = await findAll(store.lookups, { where, sort: { field: 'node', order: 'asc' } });
  return Map.groupBy(lookups, ({ node }) => node ?? '');
}

function sameElements<T>(some: readonly T[], others: readonly T[]): boolean {
  return some.length === others.length && some.every((element, index) => element === others[index]);
}

/** One node of a list. */
export function nodeItem(node: Node, lookups: readonly Lookup[]): Present<NodeItem> {
  const { id, name, type, identifiers, tags, sku = null, uuid, summary, createdAt, updatedAt } = node;
  const bmcLookup = lookups.find(({ macAddress }) => macAddress === summary.bmcMac);
  const bmc = present({ address: summary.bmcAddress ?? bmcLookup?.ipAddress, mac: summary.bmcMac });
  return present({
    id,
    name,
    type,
    state: stateView(node.state),
    summary,
    identifiers,
    tags,
    sku,
    uuid,
    addresses: lookups.flatMap(({ macAddress, ipAddress }) =>
      ipAddress === undefined || macAddress === summary.bmcMac ? [] : [{ mac: macAddress, address: ipAddress }],
    ),
    bmc: Object.keys(bmc).length === 0 ? undefined : bmc,
    createdAt,
    updatedAt,
  });
}

function stateView({ name, since, deadline, runId, reason }: NodeState): Present<NodeItem['state']> {
  return present({ name, since, deadline, runId, reason });
}

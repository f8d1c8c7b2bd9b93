import type { Node, NodeState } from '../../model/node.ts';
import type { Lookup } from '../../model/records.ts';
import type { Store } from '../../store/collections.ts';
import { findAll } from '../pages.ts';
import { present, type Present } from '../present.ts';
import type { NodeItem } from './schemas.ts';

/** Nodes as lists show them: summaries and lookups (one query for all), never catalogs. */
export async function nodeItems(store: Store, nodes: readonly Node[]): Promise<Present<NodeItem>[]> {
  if (nodes.length === 0) return [];
  const ids = nodes.map(({ id }) => id);
  const lookups = Map.groupBy(await findAll(store.lookups, { where: { node: { in: ids } } }), ({ node }) => node ?? '');
  return nodes.map((node) => nodeItem(node, lookups.get(node.id) ?? []));
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

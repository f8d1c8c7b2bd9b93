import type { Node } from '../model/node.ts';
import type { Store } from '../store/collections.ts';
import { modify } from '../store/modify.ts';
import { findAll } from './pages.ts';

/** `busy`: a run is active on the node, or on one that it encloses. */
export type RemoveResult =
  { readonly ok: true } | { readonly ok: false; readonly reason: 'busy'; readonly nodeId: string };

/** RackHD's relation types and their counterparts; a component goes with the node that holds it. */
const counterparts: Readonly<Record<string, { readonly other: string; readonly holds?: true }>> = {
  encloses: { other: 'enclosedBy', holds: true },
  enclosedBy: { other: 'encloses' },
  powers: { other: 'poweredBy' },
  poweredBy: { other: 'powers' },
  contains: { other: 'containedBy' },
  containedBy: { other: 'contains' },
  manages: { other: 'managedBy' },
  managedBy: { other: 'manages' },
};

/**
 * Removes a node with all that belongs to it: catalogs, power settings with their secrets, credentials, boots, deployments, and
 * the nodes that it encloses. Its lookups stay and forget it, its relations are undone at their other ends, and its runs
 * stay as history.
 */
export async function removeNode(store: Store, node: Node): Promise<RemoveResult> {
  const doomed = [node, ...(await enclosedBy(store, node))];
  for (const { id } of doomed) {
    if ((await store.runs.count({ nodeId: id, state: 'running' })) > 0)
      return { ok: false, reason: 'busy', nodeId: id };
  }
  for (const one of doomed) await removeOne(store, one);
  return { ok: true };
}

async function enclosedBy(store: Store, node: Node, seen = new Set([node.id])): Promise<Node[]> {
  const targets = node.relations.flatMap(({ relationType, targets: ids }) =>
    counterparts[relationType]?.holds === true ? ids : [],
  );
  const found: Node[] = [];
  for (const id of targets.filter((target) => !seen.has(target))) {
    seen.add(id);
    const target = await store.nodes.get(id);
    if (target !== undefined) found.push(target, ...(await enclosedBy(store, target, seen)));
  }
  return found;
}

async function removeOne(store: Store, node: Node): Promise<void> {
  const { id } = node;
  await store.nodes.delete(id);
  for (const lookup of await findAll(store.lookups, { where: { node: id } })) {
    await modify(store.lookups, lookup.id, ({ node: owner, ...rest }) => (owner === id ? rest : undefined));
  }
  for (const { relationType, targets } of node.relations) {
    const other = counterparts[relationType]?.other;
    for (const target of other === undefined ? [] : targets) {
      await modify(store.nodes, target, (related) => ({ ...related, relations: unlink(related.relations, other, id) }));
    }
  }
  await store.catalogs.deleteWhere({ nodeId: id });
  await store.obms.deleteWhere({ nodeId: id });
  await store.bmcCredentials.deleteWhere({ nodeId: id });
  await store.boots.deleteWhere({ nodeId: id });
  await store.deployments.deleteWhere({ nodeId: id });
}

function unlink(relations: Node['relations'], type: string | undefined, id: string): Node['relations'] {
  return relations
    .map((relation) =>
      relation.relationType === type
        ? { ...relation, targets: relation.targets.filter((target) => target !== id) }
        : relation,
    )
    .filter(({ targets }) => targets.length > 0);
}

import type { Mac } from '../net/mac.ts';
import { isRealUuid } from '../model/uuid.ts';
import type { Store } from '../store/collections.ts';
import { modify } from '../store/modify.ts';

/** What an agent says of the machine that it runs on. */
export interface Seen {
  readonly macs: readonly Mac[];
  readonly uuid?: string | undefined;
}

/** Most MACs of one node: a document that an agent could make grow with each session would end at the store's limit. */
export const mostMacs = 256;

/**
 * Adds the MACs and the UUID that an agent tells to its node. An agent is no proof against what was known before: a MAC
 * or UUID that another node has stays that node's.
 */
export async function confirmNode(store: Store, nodeId: string, { macs, uuid }: Seen): Promise<void> {
  const node = await store.nodes.get(nodeId);
  if (!node) return;
  const more: Mac[] = [];
  for (const mac of new Set(macs)) {
    if (node.identifiers.includes(mac) || node.identifiers.length + more.length >= mostMacs) continue;
    if (await claimFor(store, mac, nodeId)) more.push(mac);
  }
  const newUuid = uuid !== undefined && node.uuid !== uuid && (await isFree(store, uuid, nodeId));
  if (more.length === 0 && !newUuid) return;
  await modify(store.nodes, nodeId, (current) => ({
    ...current,
    identifiers: [...new Set([...current.identifiers, ...more])],
    ...(newUuid ? { uuid } : {}),
  }));
}

/** Writes that the MAC is the node's; false where it is another's. */
async function claimFor(store: Store, macAddress: Mac, node: string): Promise<boolean> {
  const inserted = await store.lookups.insert({ macAddress, node });
  if (inserted.ok) return true;
  const { items } = await store.lookups.find({ where: { macAddress }, limit: 1 });
  const [lookup] = items;
  if (!lookup) return false;
  const written = await modify(store.lookups, lookup.id, (current) =>
    current.node === undefined ? { ...current, node } : undefined,
  );
  return written.ok || (written.reason === 'unchanged' && written.document.node === node);
}

async function isFree(store: Store, uuid: string, nodeId: string): Promise<boolean> {
  if (!isRealUuid(uuid)) return false;
  const { items } = await store.nodes.find({ where: { uuid }, limit: 2 });
  return items.every(({ id }) => id === nodeId);
}

import type { Ipv4 } from '../net/address.ts';
import type { Mac } from '../net/mac.ts';
import { isId, newId } from '../model/id.ts';
import type { Node } from '../model/node.ts';
import type { RecordFact } from '../model/fact.ts';
import { isRealUuid } from '../model/uuid.ts';
import type { Store } from '../store/collections.ts';
import { modify } from '../store/modify.ts';

/** A machine as its boot loader shows itself when it asks for a script. */
export interface Sighting {
  readonly mac: Mac;
  readonly address: Ipv4;
  readonly uuid?: string;
}

export interface EnrolDeps {
  readonly store: Store;
  readonly record: RecordFact;
  readonly now: () => Date;
}

/** The node that has this MAC (or, failing that, this SMBIOS UUID), if it is known. */
export async function findNode(store: Store, mac: Mac, uuid?: string): Promise<Node | undefined> {
  const { items } = await store.lookups.find({ where: { macAddress: mac }, limit: 1 });
  const id = items[0]?.node;
  const byMac = id === undefined ? undefined : await store.nodes.get(id);
  if (byMac) return byMac;
  const byIdentifier = await store.nodes.find({ where: { identifiers: mac }, limit: 1 });
  if (byIdentifier.items[0]) return byIdentifier.items[0];
  if (uuid === undefined || !isRealUuid(uuid)) return undefined;
  const sharers = await store.nodes.find({ where: { uuid }, limit: 2 });
  return sharers.items.length === 1 ? sharers.items[0] : undefined;
}

/**
 * The node of a machine that fetches a script; made now if nobody knows it. The lookup's unique MAC decides a race: it
 * names the node's id before the node exists, so that whoever finds a lookup without its node makes that very node.
 */
export async function enrol(sighting: Sighting, { store, record, now }: EnrolDeps): Promise<Node> {
  const { mac, address, uuid } = sighting;
  const known = await findNode(store, mac, uuid);
  const id = await claimMac(store, sighting, known?.id ?? newId(now()));
  const node = known ?? (await store.nodes.get(id));
  if (node) return remember(store, node, sighting);
  const made = await store.nodes.insert({
    id,
    name: mac,
    type: 'compute',
    identifiers: [mac],
    state: { name: 'new', since: now().toISOString() },
    summary: { macs: [mac] },
    bootMac: mac,
    tags: [],
    relations: [],
    autoDiscover: false,
    sku: null,
    ...(uuid === undefined ? {} : { uuid }),
  });
  if (!made.ok) return enrol(sighting, { store, record, now });
  record({
    kind: 'node.enrolled',
    how: 'packet',
    text: `${mac} was unknown: enrolled as node ${id}`,
    mac,
    address,
    nodeId: id,
  });
  return made.document;
}

/** Writes that the MAC is at this address; answers the id of the node that has it. */
async function claimMac(store: Store, { mac, address }: Sighting, nodeId: string): Promise<string> {
  const inserted = await store.lookups.insert({ macAddress: mac, ipAddress: address, node: nodeId });
  if (inserted.ok) return nodeId;
  const { items } = await store.lookups.find({ where: { macAddress: mac }, limit: 1 });
  const lookup = items[0];
  if (!lookup) return claimMac(store, { mac, address }, nodeId);
  // RackHD's clients may have written any text there: it names a node only if it has the form of an id.
  const named = (node: string | undefined): string => (node !== undefined && isId(node) ? node : nodeId);
  const written = await modify(store.lookups, lookup.id, (current) =>
    current.ipAddress === address && current.node === named(current.node)
      ? undefined
      : { ...current, ipAddress: address, node: named(current.node) },
  );
  return named(written.ok ? written.document.node : lookup.node);
}

/** Adds what this sighting tells to a known node. */
async function remember(store: Store, node: Node, { mac, uuid }: Sighting): Promise<Node> {
  const changed = await modify(store.nodes, node.id, (current) => {
    const addUuid = current.uuid === undefined && uuid !== undefined;
    const addMac = !current.identifiers.includes(mac);
    if (!addUuid && !addMac && current.bootMac === mac) return undefined;
    return {
      ...current,
      bootMac: mac,
      identifiers: addMac ? [...current.identifiers, mac] : current.identifiers,
      ...(addUuid ? { uuid } : {}),
    };
  });
  return changed.ok ? changed.document : node;
}

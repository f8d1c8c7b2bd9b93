import type { Fact } from '../model/fact.ts';
import type { Node } from '../model/node.ts';
import { isRealUuid } from '../model/uuid.ts';
import { type Mac, parseMac } from '../net/mac.ts';
import type { Store } from '../store/collections.ts';
import type { Filter } from '../store/repository.ts';
import type { Subject } from './subject.ts';
import { buildTimeline, holdingsOf, type Timeline } from './timeline.ts';

export type TimelineStore = Pick<Store, 'facts' | 'nodes' | 'lookups'>;

/** Newest facts read by each key: more than a node leaves in many boots. */
const factLimit = 3_000;

/** The timeline of a node by its id, or of a machine by its MAC, enrolled or not. Undefined: no such node. */
export async function gatherTimeline(store: TimelineStore, nodeIdOrMac: string): Promise<Timeline | undefined> {
  const subject = await findSubject(store, nodeIdOrMac);
  if (!subject) return undefined;
  const { nodeId, macs, uuid } = subject;
  const keyed = await Promise.all([
    nodeId === undefined ? [] : newest(store, { nodeId }),
    macs.length === 0 ? [] : newest(store, { mac: { in: macs } }),
    uuid === undefined ? [] : newest(store, { uuid }),
  ]);
  const facts = keyed.flat();
  return buildTimeline(subject, [...facts, ...(await ofAddresses(store, subject, facts))]);
}

/** Facts that name an address only, of the times when it was the subject's; and others' claims, which end these. */
async function ofAddresses(store: TimelineStore, subject: Subject, facts: readonly Fact[]): Promise<Fact[]> {
  const since = new Map<string, string>();
  for (const { address, from } of holdingsOf(subject, facts)) {
    if (from < (since.get(address) ?? '~')) since.set(address, from);
  }
  const reads = [...since].map(([address, from]) => newest(store, { address, at: { gte: from } }));
  return (await Promise.all(reads)).flat();
}

/** Notices of other DHCP servers, which name no machine. */
export async function gatherRogues(store: TimelineStore, since: string): Promise<readonly Fact[]> {
  const where = { kind: 'dhcp.rogue', at: { gte: since } };
  return (await store.facts.find({ where, sort: { field: 'at', order: 'asc' }, limit: 20 })).items;
}

async function newest(store: TimelineStore, where: Filter): Promise<readonly Fact[]> {
  return (await store.facts.find({ where, sort: { field: 'at', order: 'desc' }, limit: factLimit })).items;
}

async function findSubject(store: TimelineStore, nodeIdOrMac: string): Promise<Subject | undefined> {
  const mac = parseMac(nodeIdOrMac);
  const node = mac === undefined ? await store.nodes.get(nodeIdOrMac) : await nodeOfMac(store, mac);
  if (node) return subjectOf(store, node);
  return mac === undefined ? undefined : { name: mac, macs: [mac] };
}

async function nodeOfMac(store: TimelineStore, mac: Mac): Promise<Node | undefined> {
  const [lookup] = (await store.lookups.find({ where: { macAddress: mac }, limit: 1 })).items;
  if (lookup?.node !== undefined) return await store.nodes.get(lookup.node);
  return (await store.nodes.find({ where: { identifiers: mac }, limit: 1 })).items[0];
}

async function subjectOf(store: TimelineStore, node: Node): Promise<Subject> {
  const lookups = (await store.lookups.find({ where: { node: node.id } })).items;
  const claimed = new Set<Mac>(
    [...node.identifiers, node.bootMac ?? '', ...(node.summary.macs ?? []), ...lookups.map((l) => l.macAddress)]
      .flatMap((text) => parseMac(text) ?? [])
      // What the BMC asks for itself is no boot of the node.
      .filter((mac) => mac !== node.summary.bmcMac),
  );
  const shared = await macsOfOthers(store, node.id, [...claimed]);
  return {
    nodeId: node.id,
    name: node.name,
    macs: [...claimed].filter((mac) => !shared.has(mac)),
    ...(await ownUuid(store, node)),
    state: node.state.name,
    ...(node.state.reason !== undefined && { stateReason: node.state.reason }),
  };
}

/** MACs that another node has too (a dock, a USB adapter, a clone): their facts could be either's. */
async function macsOfOthers(store: TimelineStore, nodeId: string, macs: readonly Mac[]): Promise<Set<Mac>> {
  if (macs.length === 0) return new Set();
  const [nodes, lookups] = await Promise.all([
    store.nodes.find({ where: { identifiers: { in: macs } } }),
    store.lookups.find({ where: { macAddress: { in: macs } } }),
  ]);
  return new Set([
    ...nodes.items.filter(({ id }) => id !== nodeId).flatMap(({ identifiers }) => identifiers),
    ...lookups.items.filter(({ node }) => node !== undefined && node !== nodeId).map((lookup) => lookup.macAddress),
  ]);
}

async function ownUuid(store: TimelineStore, node: Node): Promise<{ uuid?: string }> {
  const uuid = node.uuid?.toLowerCase();
  if (uuid === undefined || !isRealUuid(uuid)) return {};
  return (await store.nodes.find({ where: { uuid }, limit: 2 })).items.length > 1 ? {} : { uuid };
}

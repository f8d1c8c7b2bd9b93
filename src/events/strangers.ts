import type { Fact } from '../model/fact.ts';
import type { Store } from '../store/collections.ts';

/**
 * Facts of clients that are no node's share one ring: whoever invents MACs on the boot network pushes out other
 * inventions, never the timeline of a node. Whether a client is a node's is asked only when its fact would fall out, so
 * that what came before enrolment is kept for the node.
 */
export interface Strangers {
  /** Notes a fact that was written. */
  readonly add: (fact: Fact) => void;
  /** Deletes what is over the limit and still of no node; answers how many. */
  readonly settle: () => Promise<number>;
}

type StrangerKey = Pick<Fact, 'mac' | 'address'>;

const step = 500;

export function createStrangers(
  store: Pick<Store, 'facts' | 'nodes' | 'lookups' | 'leases'>,
  limit: number,
): Strangers {
  const ring = new Map<string, StrangerKey>();
  /** What was written before the ring was read from the store: younger than all of that. */
  const young = new Map<string, StrangerKey>();
  let loaded = false;

  const addTo = (into: Map<string, StrangerKey>, fact: Fact): void => {
    if (fact.nodeId !== undefined || fact.runId !== undefined) return;
    // What we did of ourselves, for nobody, is no stranger's.
    if (fact.how === 'self' && fact.mac === undefined && fact.address === undefined) return;
    into.set(fact.id, {
      ...(fact.mac !== undefined && { mac: fact.mac }),
      ...(fact.address !== undefined && { address: fact.address }),
    });
  };

  const dropOver = async (): Promise<number> => {
    let deleted = 0;
    while (ring.size > limit) {
      const oldest = firstOf(ring, Math.min(step, ring.size - limit));
      const known = await knownOf(
        store,
        oldest.map(([, key]) => key),
      );
      const strange = oldest.filter(([, key]) => !known(key)).map(([id]) => id);
      if (strange.length > 0) deleted += await store.facts.deleteWhere({ id: { in: strange } });
      for (const [id] of oldest) ring.delete(id);
    }
    return deleted;
  };

  /** After a start the ring is what the store holds; it is cut while it is read. */
  const load = async (): Promise<number> => {
    let deleted = 0;
    let after: string | undefined;
    do {
      const page = await store.facts.find({ where: { nodeId: null, runId: null }, ...(after && { after }) });
      for (const fact of page.items) {
        young.delete(fact.id);
        addTo(ring, fact);
      }
      deleted += await dropOver();
      after = page.next;
    } while (after !== undefined);
    for (const [id, key] of young) ring.set(id, key);
    young.clear();
    loaded = true;
    return deleted;
  };

  const add = (fact: Fact): void => {
    addTo(loaded ? ring : young, fact);
  };

  return { add, settle: async () => (loaded ? 0 : await load()) + (await dropOver()) };
}

function firstOf<K, V>(map: ReadonlyMap<K, V>, most: number): [K, V][] {
  const first: [K, V][] = [];
  for (const entry of map) {
    if (first.length >= most) break;
    first.push(entry);
  }
  return first;
}

/** Which of these clients are some node's, by MAC, or by the MAC that holds the address now. */
async function knownOf(
  store: Pick<Store, 'nodes' | 'lookups' | 'leases'>,
  keys: readonly StrangerKey[],
): Promise<(key: StrangerKey) => boolean> {
  const unique = (values: readonly (string | undefined)[]): string[] => [
    ...new Set(values.filter((value) => value !== undefined)),
  ];
  const addresses = unique(keys.filter((key) => key.mac === undefined).map((key) => key.address));
  const leases =
    addresses.length === 0 ? [] : (await store.leases.find({ where: { address: { in: addresses } } })).items;
  const holder = new Map(leases.map((lease) => [lease.address, lease.mac]));
  const macs = unique([...keys.map((key) => key.mac), ...holder.values()]);
  if (macs.length === 0) return () => false;
  const [lookups, nodes] = await Promise.all([
    store.lookups.find({ where: { macAddress: { in: macs } } }),
    store.nodes.find({ where: { identifiers: { in: macs } } }),
  ]);
  const known = new Set([
    ...lookups.items.filter((lookup) => lookup.node !== undefined).map((lookup) => lookup.macAddress),
    ...nodes.items.flatMap((node) => node.identifiers),
  ]);
  return (key) => known.has(key.mac ?? holder.get(key.address ?? '') ?? '');
}

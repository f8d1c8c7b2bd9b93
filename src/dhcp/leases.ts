import type { Lease } from '../model/records.ts';
import type { Ipv4 } from '../net/address.ts';
import { macToBytes, type Mac } from '../net/mac.ts';
import type { Store } from '../store/collections.ts';
import { createHolds, type Holds } from './holds.ts';
import { inPools, poolAddress, poolSize, type DhcpSubnet } from './subnet.ts';

/** The client of a lease: known by its MAC alone, so that firmware, loader and installer are one client. */
export interface LeaseClient {
  readonly mac: Mac;
  readonly uuid?: string;
  readonly hostname?: string;
}

export type OfferOutcome =
  { readonly ok: true; readonly address: Ipv4 } | { readonly ok: false; readonly reason: 'exhausted' };

/** `taken`: another client has it; `outside`: not for giving; `unknown`: no record; `other`: we gave another address. */
export type ClaimRefusal = 'taken' | 'outside' | 'unknown' | 'other';

export type ClaimOutcome =
  { readonly ok: true; readonly lease: Lease } | { readonly ok: false; readonly reason: ClaimRefusal };

/**
 * How much a claim may do. `new`: give the address, in place of a former one. `restore`: prolong the client's lease, or
 * make it again if it was lost. `known`: prolong only what is on record.
 */
export type ClaimMode = 'new' | 'restore' | 'known';

export interface Leases {
  /**
   * An address to offer: the client's own, else the one it asks for, else the first free one from the hash of its MAC.
   * Nothing is stored. A short hold in memory keeps other clients' offers away from it; holds alone never exhaust a
   * pool, since a flood of DISCOVERs would then do so.
   */
  propose(subnet: DhcpSubnet, mac: Mac, requested?: Ipv4): Promise<OfferOutcome>;
  /** Gives the client the address for `leaseSeconds` from now; durable when it resolves. */
  claim(subnet: DhcpSubnet, client: LeaseClient, address: Ipv4, mode: ClaimMode): Promise<ClaimOutcome>;
  /** Deletes the client's lease of the address; false if it has none. */
  release(subnet: DhcpSubnet, mac: Mac, address: Ipv4): Promise<boolean>;
  /** Keeps everybody from an address that its client found in use; false if the client had no lease of it. */
  decline(subnet: DhcpSubnet, mac: Mac, address: Ipv4): Promise<boolean>;
  /** Drops the hold of an offer that the client did not take. */
  forget(subnet: DhcpSubnet, mac: Mac): void;
}

export interface LeasesDeps {
  readonly store: Pick<Store, 'leases'>;
  readonly now: () => Date;
  /** Our own address: in no offer, whatever the pools say. */
  readonly serverAddress: Ipv4;
}

const declinedMs = 10 * 60_000;
/** A pool that was found full is not searched again so soon: the search reads every lease. */
const fullMs = 3_000;
/** Addresses looked up in one query: few, as the first is nearly always free; then many. */
const chunkSizes = [8, 64, 512];
/** Each lost race is one more attempt; with a handful of instances three are the most that can come. */
const mostAttempts = 8;

interface Book extends LeasesDeps {
  readonly holds: Holds;
  /** CIDR -> time in milliseconds. */
  readonly fullUntil: Map<string, number>;
}

/** Leases in the store. Several instances may share the store: its unique keys decide every race. */
export function createLeases(deps: LeasesDeps): Leases {
  const book: Book = { ...deps, holds: createHolds(deps.now), fullUntil: new Map() };
  return {
    propose: (subnet, mac, requested) => propose(book, subnet, mac, requested),
    claim: (subnet, client, address, mode) => claim(book, subnet, { client, address, mode }),
    release: async (subnet, mac, address) => {
      const own = await byClient(book, subnet, mac);
      return own?.address === address && (await book.store.leases.delete(own.id, own.version));
    },
    decline: (subnet, mac, address) => decline(book, subnet, mac, address),
    forget: (subnet, mac) => {
      book.holds.release(subnet.network.cidr, mac);
    },
  };
}

async function propose(book: Book, subnet: DhcpSubnet, mac: Mac, requested?: Ipv4): Promise<OfferOutcome> {
  const own = await byClient(book, subnet, mac);
  if (own !== undefined && mayGive(book, subnet, own.address)) return { ok: true, address: own.address };
  const address = (await preferred(book, subnet, mac, requested)) ?? (await search(book, subnet, mac));
  return address === undefined ? { ok: false, reason: 'exhausted' } : { ok: true, address };
}

/** Called in the very turn in which the address was found free: offers made at the same time see the hold. */
function hold(book: Book, subnet: DhcpSubnet, mac: Mac, address: Ipv4): Ipv4 {
  book.holds.hold(subnet.network.cidr, address, mac);
  return address;
}

async function preferred(book: Book, subnet: DhcpSubnet, mac: Mac, requested?: Ipv4): Promise<Ipv4 | undefined> {
  const { cidr } = subnet.network;
  for (const address of [book.holds.heldBy(cidr, mac), requested]) {
    if (address === undefined || !mayGive(book, subnet, address)) continue;
    const stored = (await byAddresses(book, subnet, [address])).get(address);
    if (!isFree(book, stored) || book.holds.isHeldByOther(cidr, address, mac)) continue;
    return hold(book, subnet, mac, address);
  }
  return undefined;
}

/** Walks the pools once around from the hash of the MAC: a client tends to get the same address again. */
async function search(book: Book, subnet: DhcpSubnet, mac: Mac): Promise<Ipv4 | undefined> {
  const { cidr } = subnet.network;
  if ((book.fullUntil.get(cidr) ?? 0) > book.now().getTime()) return undefined;
  const size = poolSize(subnet);
  const start = hash(mac);
  let held: Ipv4 | undefined;
  for (let at = 0, step = 0; at < size; step += 1) {
    const length = Math.min(chunkSizes[step] ?? 512, size - at);
    const chunk = Array.from({ length }, (_, index) => poolAddress(subnet, (start + at + index) % size));
    const stored = await byAddresses(book, subnet, chunk);
    const open = chunk.filter((address) => mayGive(book, subnet, address) && isFree(book, stored.get(address)));
    const unheld = open.filter((address) => !book.holds.isHeldByOther(cidr, address, mac));
    // What was never given comes before what ran out: the old client may come back for its own.
    const free = unheld.find((address) => !stored.has(address)) ?? unheld[0];
    if (free !== undefined) return hold(book, subnet, mac, free);
    held ??= open[0];
    at += length;
  }
  if (held !== undefined) return hold(book, subnet, mac, held);
  book.fullUntil.set(cidr, book.now().getTime() + fullMs);
  return undefined;
}

interface Wanted {
  readonly client: LeaseClient;
  readonly address: Ipv4;
  readonly mode: ClaimMode;
}

async function claim(book: Book, subnet: DhcpSubnet, wanted: Wanted): Promise<ClaimOutcome> {
  for (let attempt = 0; attempt < mostAttempts; attempt += 1) {
    const outcome = await tryClaim(book, subnet, wanted);
    if (outcome === 'again') continue;
    if (outcome.ok) book.holds.release(subnet.network.cidr, wanted.client.mac);
    return outcome;
  }
  return { ok: false, reason: 'taken' };
}

/** One round; `again` where a conditional write lost to somebody else and the store has to be read anew. */
async function tryClaim(book: Book, subnet: DhcpSubnet, wanted: Wanted): Promise<ClaimOutcome | 'again'> {
  const { leases } = book.store;
  const { client, address, mode } = wanted;
  const own = await byClient(book, subnet, client.mac);
  if (own === undefined && mode === 'known') return { ok: false, reason: 'unknown' };
  if (own !== undefined && own.address !== address && mode !== 'new') return { ok: false, reason: 'other' };
  if (!mayGive(book, subnet, address)) return { ok: false, reason: 'outside' };
  const draft = {
    subnet: subnet.network.cidr,
    address,
    mac: client.mac,
    clientKey: key(subnet, client.mac),
    addressKey: key(subnet, address),
    state: 'bound' as const,
    expiresAt: later(book, subnet.leaseSeconds * 1000),
    ...(client.uuid !== undefined && { uuid: client.uuid }),
    ...(client.hostname !== undefined && { hostname: client.hostname }),
  };
  const written = own === undefined ? await leases.insert(draft) : await leases.update({ ...own, ...draft });
  if (written.ok) return { ok: true, lease: written.document };
  if (written.reason === 'conflict') return 'again';
  const holder = (await byAddresses(book, subnet, [address])).get(address);
  if (holder === undefined || holder.clientKey === draft.clientKey) return 'again';
  if (!isFree(book, holder)) return { ok: false, reason: 'taken' };
  await leases.delete(holder.id, holder.version);
  return 'again';
}

async function decline(book: Book, subnet: DhcpSubnet, mac: Mac, address: Ipv4): Promise<boolean> {
  const own = await byClient(book, subnet, mac);
  if (own?.address !== address) return false;
  // The client's key becomes free, so that it can have another address; the address's key stays taken.
  const updated = await book.store.leases.update({
    ...own,
    clientKey: key(subnet, `declined ${address}`),
    state: 'declined',
    expiresAt: later(book, declinedMs),
  });
  return updated.ok;
}

function mayGive(book: Book, subnet: DhcpSubnet, address: Ipv4): boolean {
  return inPools(subnet, address) && address !== book.serverAddress && address !== subnet.router;
}

/** An expired lease stays in the store until somebody else takes its address. */
function isFree(book: Book, lease: Lease | undefined): boolean {
  return lease === undefined || Date.parse(lease.expiresAt) <= book.now().getTime();
}

async function byClient({ store }: Book, subnet: DhcpSubnet, mac: Mac): Promise<Lease | undefined> {
  const { items } = await store.leases.find({ where: { clientKey: key(subnet, mac) }, limit: 1 });
  return items[0];
}

async function byAddresses({ store }: Book, subnet: DhcpSubnet, addresses: readonly Ipv4[]): Promise<Map<Ipv4, Lease>> {
  const keys = addresses.map((address) => key(subnet, address));
  const { items } = await store.leases.find({ where: { addressKey: { in: keys } }, limit: keys.length });
  return new Map(items.map((lease) => [lease.address, lease]));
}

function later({ now }: Book, milliseconds: number): string {
  return new Date(now().getTime() + milliseconds).toISOString();
}

function key(subnet: DhcpSubnet, of: string): string {
  return `${subnet.network.cidr}|${of}`;
}

/** FNV-1a over the six bytes: spreads neighbours, and is the same in every instance. */
function hash(mac: Mac): number {
  return macToBytes(mac).reduce((sum, byte) => Math.imul(sum ^ byte, 0x01000193) >>> 0, 0x811c9dc5);
}

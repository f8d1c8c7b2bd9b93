import { isId } from '../model/id.ts';
import type { Node } from '../model/node.ts';
import { isIpv4 } from '../net/address.ts';
import { parseMac } from '../net/mac.ts';
import type { Store } from '../store/collections.ts';
import type { Filter } from '../store/repository.ts';

export type FoundNode =
  | { readonly kind: 'node'; readonly node: Node }
  | { readonly kind: 'none' }
  /** The word fits several nodes: serials and addresses are what machines say of themselves. */
  | { readonly kind: 'several'; readonly ids: readonly string[] };

/** The node with this id; undefined for text that is no id, too. */
export async function nodeById(store: Store, id: string): Promise<Node | undefined> {
  return isId(id) ? store.nodes.get(id) : undefined;
}

/**
 * The node that a word names: its id, an identifier, a MAC or IPv4 address of the lookups, its name or its serial
 * number; the first of these kinds that fits any node decides. For reading only: what changes a node takes its id.
 */
export async function findNode(store: Store, word: string): Promise<FoundNode> {
  const byId = await nodeById(store, word);
  if (byId !== undefined) return { kind: 'node', node: byId };
  for (const where of [
    { identifiers: identifierForm(word) },
    ...(await lookedUp(store, word)),
    { name: word },
    { 'summary.serial': word },
  ]) {
    const { items } = await store.nodes.find({ where, limit: 10 });
    const [first] = items;
    if (items.length > 1) return { kind: 'several', ids: items.map(({ id }) => id) };
    if (first !== undefined) return { kind: 'node', node: first };
  }
  return { kind: 'none' };
}

/**
 * RackHD's `needByIdentifier`: the node by id, an identifier, or a MAC or address of the lookups. Undefined where
 * there is none, or several.
 */
export async function nodeByIdentifier(store: Store, word: string): Promise<Node | undefined> {
  const byId = await nodeById(store, word);
  if (byId !== undefined) return byId;
  for (const where of [{ identifiers: identifierForm(word) }, ...(await lookedUp(store, word))]) {
    const { items } = await store.nodes.find({ where, limit: 2 });
    if (items.length > 0) return items.length === 1 ? items[0] : undefined;
  }
  return undefined;
}

/** An identifier as it is stored: MACs in our one form, all other text as it is. Bare hexadecimal may be a serial. */
export function identifierForm(text: string): string {
  return /[:-]/.test(text) ? (parseMac(text) ?? text) : text;
}

async function lookedUp(store: Store, word: string): Promise<Filter[]> {
  const mac = parseMac(word);
  if (mac === undefined && !isIpv4(word)) return [];
  const where = mac === undefined ? { ipAddress: word } : { macAddress: mac };
  const { items } = await store.lookups.find({ where, limit: 10 });
  const ids = items.flatMap(({ node }) => (node === undefined ? [] : [node]));
  return ids.length === 0 ? [] : [{ id: { in: ids } }];
}

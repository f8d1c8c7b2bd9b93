import type { Ipv4 } from '../net/address.ts';
import type { Mac } from '../net/mac.ts';
import type { Lease } from '../model/records.ts';

/** Who asks for a script, and what is known of that MAC's addresses. */
export interface ScriptPeer {
  readonly mac: Mac;
  readonly peer: Ipv4;
  /** Leases of the MAC, in all subnets, those that ran out too. */
  readonly leases: readonly Lease[];
  /** Whether the peer's address is in a subnet whose addresses we give out. */
  readonly ours: boolean;
  readonly now: Date;
}

/**
 * Why the peer may not have the script of the MAC; undefined: it may. A script makes a boot for an address, and the boot
 * its node's identity, so the address must be the one that the MAC holds. Where we give out the addresses, a MAC without
 * any is refused too: nobody gets a node, or becomes one, by naming its MAC. A lease that ran out still counts until its
 * address is another's: a loader does not renew while it tries for minutes. Where others give them out, nothing is known.
 */
export function foreignPeer({ mac, peer, leases, ours, now }: ScriptPeer): string | undefined {
  const bound = leases.filter(({ state }) => state === 'bound');
  const running = bound.filter(({ expiresAt }) => expiresAt > now.toISOString());
  const holding = running.length > 0 ? running : bound;
  if (holding.some(({ address }) => address === peer)) return undefined;
  const asked = `the script of ${mac} was asked for from ${peer}`;
  if (running.length > 0) return `${asked}, and its lease is ${running.map(({ address }) => address).join(', ')}`;
  return ours ? `${asked}, and it has no lease of ours there` : undefined;
}

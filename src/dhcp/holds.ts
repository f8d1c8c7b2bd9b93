import type { Ipv4 } from '../net/address.ts';
import type { Mac } from '../net/mac.ts';

/** Offers under way, in memory only: which address was offered to whom in the last seconds. */
export interface Holds {
  /** Offers the address to the client, in place of what it was offered before. */
  hold(subnet: string, address: Ipv4, mac: Mac): void;
  isHeldByOther(subnet: string, address: Ipv4, mac: Mac): boolean;
  heldBy(subnet: string, mac: Mac): Ipv4 | undefined;
  release(subnet: string, mac: Mac): void;
}

const holdMs = 30_000;
/** Bounds the memory under a flood of DISCOVERs; the oldest go first. */
const mostHolds = 10_000;

interface Hold {
  readonly subnet: string;
  readonly address: Ipv4;
  readonly mac: Mac;
  readonly until: number;
}

export function createHolds(now: () => Date): Holds {
  // A Map keeps the order of insertion, so its first entry is the oldest.
  const byAddress = new Map<string, Hold>();
  const byMac = new Map<string, Hold>();
  const key = (subnet: string, of: string): string => `${subnet}|${of}`;
  const drop = (hold: Hold | undefined): void => {
    if (hold === undefined) return;
    byAddress.delete(key(hold.subnet, hold.address));
    byMac.delete(key(hold.subnet, hold.mac));
  };
  const current = (hold: Hold | undefined): Hold | undefined => {
    if (hold === undefined || hold.until > now().getTime()) return hold;
    drop(hold);
    return undefined;
  };
  return {
    hold: (subnet, address, mac) => {
      drop(byMac.get(key(subnet, mac)));
      drop(byAddress.get(key(subnet, address)));
      const hold = { subnet, address, mac, until: now().getTime() + holdMs };
      byAddress.set(key(subnet, address), hold);
      byMac.set(key(subnet, mac), hold);
      if (byAddress.size > mostHolds) drop(byAddress.values().next().value);
    },
    isHeldByOther: (subnet, address, mac) => {
      const hold = current(byAddress.get(key(subnet, address)));
      return hold !== undefined && hold.mac !== mac;
    },
    heldBy: (subnet, mac) => current(byMac.get(key(subnet, mac)))?.address,
    release: (subnet, mac) => {
      drop(byMac.get(key(subnet, mac)));
    },
  };
}

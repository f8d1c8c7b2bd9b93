import type { Ipv4 } from '../net/address.ts';

/** Unknown machines that one address may bring in `windowMs`; a MAC is only a claim, and each makes a node and a run. */
const mostPerAddress = 16;
const windowMs = 3_600_000;
/** Addresses remembered; the oldest is forgotten for the next. */
const mostAddresses = 10_000;

export interface EnrolmentLimit {
  /** Counts one more unknown machine at the address; false where it has brought too many of late. */
  admit(address: Ipv4): boolean;
}

/** Keeps one machine that invents MACs from filling the store. In memory: a restart forgets it, which costs little. */
export function createEnrolmentLimit(now: () => Date): EnrolmentLimit {
  const windows = new Map<Ipv4, { readonly since: number; readonly count: number }>();
  return {
    admit(address) {
      const time = now().getTime();
      const window = windows.get(address);
      const current = window && time - window.since < windowMs ? window : { since: time, count: 0 };
      if (current.count >= mostPerAddress) return false;
      const [oldest] = windows.keys();
      if (!window && windows.size >= mostAddresses && oldest !== undefined) windows.delete(oldest);
      windows.set(address, { ...current, count: current.count + 1 });
      return true;
    },
  };
}

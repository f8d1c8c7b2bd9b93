import type { TftpOptions } from './packet.ts';

/** What the server is willing to grant. */
export interface TransferLimits {
  /** Most bytes of a block. 1468 fills an Ethernet frame; larger blocks are sent as fragments, which firmware may drop. */
  readonly blockSize: number;
  /** Most blocks sent without waiting for an acknowledgement. */
  readonly windowSize: number;
  /** Wait before the first repetition, in milliseconds, where the client asks for none. */
  readonly waitMs: number;
  /** Repetitions before the client is given up. */
  readonly repeats: number;
}

export const defaultTransferLimits: TransferLimits = { blockSize: 1468, windowSize: 64, waitMs: 1_000, repeats: 5 };

/** What a transfer goes by. */
export interface Terms {
  readonly blockSize: number;
  readonly windowSize: number;
  readonly waitMs: number;
  /** Whether the client chose `waitMs`; then it stays the same from repetition to repetition (RFC 2349). */
  readonly fixedWait: boolean;
  /** What the OACK says: the options that were understood. Empty: no OACK is sent, as to a client without options. */
  readonly granted: TftpOptions;
}

/** Longest wait that a client may ask for, in seconds: the RFC's 255 would let a dead client hold its place for long. */
const longestWait = 30;

/** How an option is granted: its value in the OACK and what it means, or undefined to leave it out. */
type Grant = (
  value: number,
  size: number,
  limits: TransferLimits,
) => (Partial<Terms> & { readonly value: number }) | undefined;

interface OptionRule {
  readonly from: number;
  readonly to: number;
  readonly grant: Grant;
}

const rules: Readonly<Record<string, OptionRule>> = {
  // RFC 2348: the server may answer a smaller size.
  blksize: {
    from: 8,
    to: 65_464,
    grant: (value, _size, limits) => {
      const blockSize = Math.min(value, limits.blockSize);
      return { value: blockSize, blockSize };
    },
  },
  // RFC 2349: the client sends 0, the server answers the size in bytes. curl takes a size of 0 for a broken answer.
  tsize: {
    from: 0,
    to: Number.MAX_SAFE_INTEGER,
    grant: (_value, size) => (size === 0 ? undefined : { value: size }),
  },
  // RFC 2349: seconds, granted as asked or not at all.
  timeout: { from: 1, to: longestWait, grant: (value) => ({ value, waitMs: value * 1000, fixedWait: true }) },
  // RFC 7440: the server may answer a smaller window.
  windowsize: {
    from: 1,
    to: 65_535,
    grant: (value, _size, limits) => {
      const windowSize = Math.min(value, limits.windowSize);
      return { value: windowSize, windowSize };
    },
  },
};

/** Decides on the options of a read request for `size` bytes. Options that are unknown or out of range are ignored (RFC 2347). */
export function negotiate(options: TftpOptions, size: number, limits: TransferLimits): Terms {
  const granted = new Map<string, string>();
  let terms: Terms = { blockSize: 512, windowSize: 1, waitMs: limits.waitMs, fixedWait: false, granted };
  for (const [name, text] of options) {
    const rule = Object.hasOwn(rules, name) ? rules[name] : undefined;
    if (rule === undefined || !/^\d{1,16}$/.test(text)) continue;
    const asked = Number(text);
    if (asked < rule.from || asked > rule.to) continue;
    const grant = rule.grant(asked, size, limits);
    if (grant === undefined) continue;
    const { value, ...meaning } = grant;
    granted.set(name, String(value));
    terms = { ...terms, ...meaning };
  }
  return terms;
}

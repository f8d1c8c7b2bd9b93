import { negotiate } from './negotiate.ts';
import type { Terms, TransferLimits } from './negotiate.ts';
import { encodePacket } from './packet.ts';
import type { TftpOptions, TftpPacket } from './packet.ts';

/** Sending one file to one client, as a value: nothing here knows of sockets or clocks. */
export interface Transfer {
  /** `offered`: an OACK was sent, its acknowledgement is awaited. */
  readonly phase: 'offered' | 'sending';
  readonly bytes: Uint8Array;
  readonly terms: Terms;
  readonly limits: TransferLimits;
  /** Blocks that the client has acknowledged, counted from 1 and not wrapped. */
  readonly acknowledged: number;
  /** Last block that was sent. */
  readonly sent: number;
  /** Times in a row that the same was sent again. */
  readonly repeats: number;
}

export type TransferEvent = { readonly kind: 'packet'; readonly packet: TftpPacket } | { readonly kind: 'timeout' };

export type TransferEnd =
  | { readonly kind: 'complete' }
  /** Everything was sent and all but the last block acknowledged: some firmware never acknowledges that one. */
  | { readonly kind: 'unconfirmed' }
  /** The client wanted the size only: it refused our OACK, as OVMF and Intel's ROMs do before they ask in earnest. */
  | { readonly kind: 'probe' }
  | { readonly kind: 'silent' }
  | { readonly kind: 'aborted'; readonly code: number; readonly message: string };

export interface Step {
  readonly transfer: Transfer;
  /** Datagrams to send, in order. */
  readonly send: readonly Uint8Array[];
  /** How long to wait for the client from now, in milliseconds; undefined: the wait under way goes on. */
  readonly waitMs?: number;
  readonly done?: TransferEnd;
}

/** Begins to answer a read request: with an OACK if any option was granted, else with the first block (RFC 2347). */
export function startTransfer(bytes: Uint8Array, options: TftpOptions, limits: TransferLimits): Step {
  const terms = negotiate(options, bytes.length, limits);
  const transfer: Transfer = {
    phase: terms.granted.size > 0 ? 'offered' : 'sending',
    bytes,
    terms,
    limits,
    acknowledged: 0,
    sent: 0,
    repeats: 0,
  };
  return sendNext(transfer);
}

/** What follows from a datagram of the client, or from its silence. Packets that mean nothing here change nothing. */
export function advance(transfer: Transfer, event: TransferEvent): Step {
  if (event.kind === 'timeout') return repeat(transfer);
  const { packet } = event;
  if (packet.op === 'ACK') return acknowledge(transfer, packet.block);
  if (packet.op === 'ERROR') {
    const probe = transfer.phase === 'offered' && transfer.terms.granted.has('tsize');
    const { code, message } = packet;
    return { transfer, send: [], done: probe ? { kind: 'probe' } : { kind: 'aborted', code, message } };
  }
  return { transfer, send: [] };
}

/** Number of blocks of the file: the last is shorter than the others, empty if need be (RFC 1350 section 6). */
export function blockCount(transfer: Transfer): number {
  return Math.floor(transfer.bytes.length / transfer.terms.blockSize) + 1;
}

/** Whether all was sent and all but the last block acknowledged. */
export function lacksOnlyLast(transfer: Transfer): boolean {
  // A file of one block to a client that never said a word was not fetched.
  const heard = transfer.acknowledged > 0 || transfer.terms.granted.size > 0;
  return transfer.phase === 'sending' && heard && transfer.acknowledged === blockCount(transfer) - 1;
}

function acknowledge(transfer: Transfer, block: number): Step {
  if (transfer.phase === 'offered') {
    return block === 0 ? sendNext({ ...transfer, phase: 'sending', repeats: 0 }) : { transfer, send: [] };
  }
  // Block numbers wrap to 0: the number means the nearest block after what is acknowledged already.
  const advanced = (block - transfer.acknowledged) & 0xffff;
  // One acknowledged before is never answered, or each copy of it would double all that follows (the Sorcerer's
  // Apprentice bug, RFC 1123 section 4.2.3.1). A client that misses the first block of a window waits for our timeout.
  if (advanced === 0 || advanced > transfer.sent - transfer.acknowledged) return { transfer, send: [] };
  const next = { ...transfer, acknowledged: transfer.acknowledged + advanced, repeats: 0 };
  return next.acknowledged === blockCount(next)
    ? { transfer: next, send: [], done: { kind: 'complete' } }
    : sendNext(next);
}

function repeat(transfer: Transfer): Step {
  if (transfer.repeats < transfer.limits.repeats) return sendNext({ ...transfer, repeats: transfer.repeats + 1 });
  const kind = lacksOnlyLast(transfer) ? 'unconfirmed' : 'silent';
  return { transfer, send: [], done: { kind } };
}

/** Sends what comes after the last acknowledgement: the OACK, or a window of blocks (RFC 7440 section 3). */
function sendNext(transfer: Transfer): Step {
  const { terms, repeats, acknowledged } = transfer;
  const waitMs = terms.fixedWait ? terms.waitMs : terms.waitMs * 2 ** Math.min(repeats, 3);
  if (transfer.phase === 'offered') {
    return { transfer, send: [encodePacket({ op: 'OACK', options: terms.granted })], waitMs };
  }
  const sent = Math.min(acknowledged + terms.windowSize, blockCount(transfer));
  const send: Uint8Array[] = [];
  for (let block = acknowledged + 1; block <= sent; block++) {
    const start = (block - 1) * terms.blockSize;
    const bytes = transfer.bytes.subarray(start, start + terms.blockSize);
    send.push(encodePacket({ op: 'DATA', block: block & 0xffff, bytes }));
  }
  return { transfer: { ...transfer, sent }, send, waitMs };
}

import { describeError } from '../errors.ts';
import type { NewFact } from '../model/fact.ts';
import type { Peer } from '../net/datagram.ts';
import type { SessionEnd } from './session.ts';
import type { Transfer } from './transfer.ts';

/** What a client asked for, as the timeline tells it: names come from strangers and may be of any length. */
const told = (file: string): string => (file.length > 255 ? `${file.slice(0, 255)}...` : file);

function fact(kind: NewFact['kind'], peer: Peer, text: string, data: Record<string, unknown>): NewFact {
  return { kind, how: 'packet', text, address: peer.address, data: { ...data, port: peer.port } };
}

/** The client takes the file: the first block goes out. */
export function readFact(peer: Peer, file: string, transfer: Transfer): NewFact {
  return fact('tftp.read', peer, `asked for ${told(file)} by TFTP`, about(file, transfer));
}

export function refusedFact(peer: Peer, file: string, refusal: { code: number; message: string }): NewFact {
  const text = `was refused ${told(file)}: ${refusal.message}`;
  return fact('tftp.refused', peer, text, { path: told(file), code: refusal.code, reason: refusal.message });
}

/** How a transfer ended, after so many seconds. A question for the size is only a read, with `probe` in its data. */
export function endFact(
  peer: Peer,
  file: string,
  ended: { end: SessionEnd; transfer: Transfer; seconds: number },
): NewFact {
  const { end, transfer, seconds } = ended;
  const data = { ...about(file, transfer), seconds };
  const name = told(file);
  switch (end.kind) {
    case 'complete':
      return fact('tftp.done', peer, `got ${name} whole: ${transfer.bytes.length} bytes in ${seconds} s`, data);
    case 'unconfirmed': {
      const text = `was sent ${name} whole, but did not acknowledge the last block`;
      return fact('tftp.done', peer, text, { ...data, confirmed: false });
    }
    case 'probe':
      return fact('tftp.read', peer, `asked for the size of ${name} by TFTP`, { ...data, probe: true });
    default: {
      const reason = failure(end);
      const sent = Math.min(transfer.acknowledged * transfer.terms.blockSize, transfer.bytes.length);
      const text = `got only ${sent} of ${transfer.bytes.length} bytes of ${name}: ${reason}`;
      return fact('tftp.failed', peer, text, { ...data, sent, end: end.kind, reason });
    }
  }
}

function failure(end: Exclude<SessionEnd, { kind: 'complete' | 'unconfirmed' | 'probe' }>): string {
  switch (end.kind) {
    case 'silent':
      return 'the client fell silent';
    case 'aborted':
      return `the client broke off with error ${end.code} '${told(end.message)}'`;
    case 'unreachable':
      return `the client cannot be reached (${describeError(end.error)})`;
    case 'stopped':
      return end.reason;
  }
}

function about(file: string, { bytes, terms }: Transfer): Record<string, unknown> {
  return { path: told(file), bytes: bytes.length, blksize: terms.blockSize, windowsize: terms.windowSize };
}

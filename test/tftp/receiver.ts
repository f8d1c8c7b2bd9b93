import type { TftpPacket } from '../../src/tftp/packet.ts';

/** A careful client by RFC 1350 and RFC 7440: takes blocks in order, acknowledges a whole window or the place of a gap. */
export interface Receiver {
  readonly chunks: Uint8Array[];
  readonly blockSize: number;
  readonly windowSize: number;
  readonly expected: number;
  /** Blocks taken since the last acknowledgement. */
  readonly inWindow: number;
  readonly finished: boolean;
}

export function startReceiver(): Receiver {
  return { chunks: [], blockSize: 512, windowSize: 1, expected: 1, inWindow: 0, finished: false };
}

export function receive(receiver: Receiver, packet: TftpPacket): { receiver: Receiver; reply?: TftpPacket } {
  if (packet.op === 'OACK') {
    const blockSize = Number(packet.options.get('blksize') ?? 512);
    const windowSize = Number(packet.options.get('windowsize') ?? 1);
    if (receiver.expected > 1) return { receiver };
    return { receiver: { ...receiver, blockSize, windowSize }, reply: { op: 'ACK', block: 0 } };
  }
  if (packet.op !== 'DATA') return { receiver };
  const last: TftpPacket = { op: 'ACK', block: (receiver.expected - 1) & 0xffff };
  if (receiver.finished || packet.block !== (receiver.expected & 0xffff)) {
    return { receiver: { ...receiver, inWindow: 0 }, reply: last };
  }
  receiver.chunks.push(packet.bytes);
  const finished = packet.bytes.length < receiver.blockSize;
  const full = finished || receiver.inWindow + 1 === receiver.windowSize;
  const next = { ...receiver, finished, expected: receiver.expected + 1, inWindow: full ? 0 : receiver.inWindow + 1 };
  return full ? { receiver: next, reply: { op: 'ACK', block: packet.block } } : { receiver: next };
}

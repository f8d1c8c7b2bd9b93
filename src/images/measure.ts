import { createHash } from 'node:crypto';
import { layoutBytes } from './disk-layout.ts';

/** What is known of bytes that went by. */
export interface Measured {
  readonly bytes: number;
  /** Hexadecimal. */
  readonly sha256: string;
  /** The first `layoutBytes` of them, or all. */
  readonly head: Uint8Array;
}

export interface MeasureOptions {
  /** More bytes than this end it. */
  readonly limit: number;
  readonly onBytes: (bytes: number) => void;
}

/** Reads a stream to its end, keeping none of it but its beginning. Undefined if there was more than the limit. */
export async function measure(
  source: AsyncIterable<unknown>,
  { limit, onBytes }: MeasureOptions,
): Promise<Measured | undefined> {
  const hash = createHash('sha256');
  const head = Buffer.alloc(layoutBytes);
  let bytes = 0;
  for await (const chunk of source as AsyncIterable<Buffer>) {
    if (bytes < head.length) chunk.copy(head, bytes);
    bytes += chunk.length;
    if (bytes > limit) return undefined;
    hash.update(chunk);
    onBytes(bytes);
  }
  return { bytes, sha256: hash.digest('hex'), head: head.subarray(0, Math.min(bytes, head.length)) };
}

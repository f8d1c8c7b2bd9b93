import { closeSync, openSync, readSync } from 'node:fs';
import type { Writable } from 'node:stream';
import { describeError } from '../errors.ts';
import type { FileBody } from './sender-messages.ts';

export interface Pumped {
  /** Bytes handed to the connection. */
  readonly bytes: number;
  /** Why the file could not be read to the end. */
  readonly error?: string;
}

export interface Pump {
  /** Bytes handed to the connection so far. */
  bytes(): number;
  /** When all was sent, the file ended early or could not be read, or the connection is closed. The connection is left open. */
  readonly ended: Promise<Pumped>;
}

/**
 * Sends a part of a file, a chunk at a time, the next when the connection has taken the last: a transfer has one buffer,
 * whatever its size: `chunkBytes`. Reads are synchronous, as nginx's sendfile is by default: what is in the page cache costs half as
 * much as through the thread pool. So this is for a process that does nothing else.
 */
export function pumpFile({ path, start, end }: FileBody, connection: Writable, chunkBytes: number): Pump {
  const { promise, resolve } = Promise.withResolvers<Pumped>();
  let position = start;
  let file: number | undefined;
  let over = false;

  const finish = (error?: unknown): void => {
    if (over) return;
    over = true;
    if (file !== undefined) closeSync(file);
    resolve({ bytes: position - start, ...(error !== undefined && { error: describeError(error) }) });
  };
  const sendNext = (buffer: Buffer, from: number): void => {
    if (over) return;
    if (position === end) {
      finish();
      return;
    }
    const length = readSync(from, buffer, 0, Math.min(buffer.length, end - position), position);
    if (length === 0) throw new Error(`${path} ended at ${position} bytes, of ${end} expected`);
    connection.write(buffer.subarray(0, length), (error) => {
      if (error) return;
      position += length;
      // Not at once: a client as fast as we are would have this process for itself.
      setImmediate(guarded, buffer, from);
    });
  };
  const guarded = (buffer: Buffer, from: number): void => {
    try {
      sendNext(buffer, from);
    } catch (error) {
      finish(error);
    }
  };

  // What fails closes the connection; what the client's going is called is of no interest.
  connection.on('error', () => undefined);
  connection.once('close', () => {
    finish();
  });
  try {
    file = openSync(path, 'r');
    guarded(Buffer.allocUnsafeSlow(chunkBytes), file);
  } catch (error) {
    finish(error);
  }
  return { bytes: () => position - start, ended: promise };
}

import { open, type FileHandle } from 'node:fs/promises';

/** How the writing of a stream to the end of a file ended. */
export interface Received {
  /** Bytes of the file now. */
  readonly bytes: number;
  readonly end:
    /** The stream came to its end. */
    | 'whole'
    /** The sender went away, or its connection broke. */
    | 'broken'
    /** There was more than `most`. */
    | 'too-long'
    | 'no-space';
}

export interface ReceiveJob {
  readonly path: string;
  /** Where to begin; what is there beyond is cut off. */
  readonly offset: number;
  /** Bytes that the file may have in the end. */
  readonly most: number;
  /** Bytes that the file system has for us. */
  readonly room: () => Promise<number>;
  readonly onBytes: (bytes: number) => void;
}

/** So many bytes at most are in memory but not on disk, and go by between two looks at the room that is left. */
const syncEveryBytes = 64 * 1024 * 1024;

/**
 * Appends a stream to a file, no faster than the disk takes it, and syncs it. The length of a file grows after its
 * bytes are written, so that what a crash leaves can be continued. Rejects with a fault of the disk.
 */
export async function receive(stream: AsyncIterable<unknown>, job: ReceiveJob): Promise<Received> {
  const file = await open(job.path, 'r+');
  try {
    await file.truncate(job.offset);
    const received = await append(stream, file, job);
    await file.sync();
    return received;
  } catch (error) {
    if (['ENOSPC', 'EDQUOT'].includes((error as NodeJS.ErrnoException).code ?? '')) {
      return { bytes: job.offset, end: 'no-space' };
    }
    throw error;
  } finally {
    await file.close();
  }
}

async function append(stream: AsyncIterable<unknown>, file: FileHandle, job: ReceiveJob): Promise<Received> {
  let bytes = job.offset;
  let sync = bytes;
  const chunks = stream[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  for (;;) {
    if (bytes >= sync) {
      await file.datasync();
      if ((await job.room()) === 0) return { bytes, end: 'no-space' };
      sync = bytes + syncEveryBytes;
    }
    const next = await nextOf(chunks);
    if (next === 'broken') return { bytes, end: 'broken' };
    if (next === undefined) return { bytes, end: 'whole' };
    if (bytes + next.length > job.most) return { bytes, end: 'too-long' };
    for (let at = 0; at < next.length;) at += (await file.write(next, at, next.length - at, bytes + at)).bytesWritten;
    bytes += next.length;
    job.onBytes(bytes);
  }
}

/** Faults of the stream are the sender's, and told apart from those of the disk. */
async function nextOf(chunks: AsyncIterator<Buffer>): Promise<Buffer | 'broken' | undefined> {
  try {
    const next = await chunks.next();
    return next.done === true ? undefined : next.value;
  } catch {
    return 'broken';
  }
}

import { open } from 'node:fs/promises';
import type { Packing } from './format.ts';
import { unpackLimits } from './limits.ts';
import { measure, type Measured } from './measure.ts';
import { refused, type Refused } from './refusal.ts';
import { startTool } from './tool.ts';

/**
 * The programs that unpack. Node's own decoders will not do: its zstd (24.21) ends silently at the end of the first
 * frame, and what parses hostile input is better a process of its own.
 */
const unpackers: Readonly<Record<Packing, { file: string; args: readonly string[]; package: string }>> = {
  zstd: { file: 'zstd', args: ['-d', '-c', '-q', '--no-progress'], package: 'zstd' },
  gzip: { file: 'gzip', args: ['-d', '-c', '-q'], package: 'gzip' },
  xz: { file: 'xz', args: ['-d', '-c', '-q', '--memlimit-decompress=512MiB'], package: 'xz-utils' },
};

export interface UnpackJob {
  readonly path: string;
  readonly packing: Packing;
  /** Bytes that it may unpack to. */
  readonly limit: number;
  readonly directory: string;
  readonly signal: AbortSignal;
  readonly onBytes: (bytes: number) => void;
}

/** Unpacks a file once to learn what is in it, and that it is whole. */
export async function measureUnpacked(job: UnpackJob): Promise<{ ok: true; measured: Measured } | Refused> {
  const { packing, signal, limit } = job;
  const file = await open(job.path, 'r');
  try {
    const tool = startTool({
      ...unpackers[packing],
      limits: unpackLimits,
      input: file.fd,
      directory: job.directory,
      signal,
    });
    // Its end is looked at below, when all that it wrote was read.
    tool.ended.catch(() => undefined);
    const measured = await measure(tool.stdout as AsyncIterable<unknown>, { limit, onBytes: job.onBytes });
    if (measured === undefined) {
      tool.kill();
      await tool.ended.catch(() => undefined);
      return refused('too-large', `It unpacks to more than ${limit} bytes, which no disk image of its size does.`);
    }
    const end = await tool.ended;
    if (end.kind === 'done') return { ok: true, measured };
    return end.kind === 'limit'
      ? refused('too-large', `To unpack it takes more time or memory than is allowed (${packing}).`)
      : refused('damaged', `It is not a whole ${packing} stream (${end.why}): send it again, or make it anew.`);
  } finally {
    await file.close();
  }
}

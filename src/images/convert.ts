import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { convertLimits, unpackLimits } from './limits.ts';
import { refused, type Refused } from './refusal.ts';
import { startTool, type ToolEnd } from './tool.ts';

export interface ConvertJob {
  /** A qcow2 file whose header was checked. */
  readonly path: string;
  readonly virtualBytes: number;
  /** Where the results are put. */
  readonly directory: string;
  readonly signal: AbortSignal;
}

type Made = { readonly ok: true; readonly path: string } | Refused;

/**
 * Makes a raw file (with holes) of a qcow2 one; answers its path. The format is given, so that no other is guessed. It is
 * checked first: where clusters lie beyond the end of a file that was cut off, QEMU would read zeros.
 */
export async function convertToRaw(job: ConvertJob): Promise<Made> {
  const raw = join(job.directory, 'raw');
  const checked = await runQemu(job, ['check', '-q', '-f', 'qcow2', job.path]);
  if (checked.kind !== 'done' && !onlyLeaks(checked)) return notDone('check it as qcow2', checked);
  const end = await runQemu(job, ['convert', '-f', 'qcow2', '-O', 'raw', job.path, raw]);
  return end.kind === 'done' ? { ok: true, path: raw } : notDone('convert it from qcow2', end);
}

async function runQemu({ virtualBytes, directory, signal }: ConvertJob, args: readonly string[]): Promise<ToolEnd> {
  const nothing = await open('/dev/null', 'r+');
  try {
    return await startTool({
      file: 'qemu-img',
      args,
      package: 'qemu-utils',
      limits: convertLimits(virtualBytes),
      input: nothing.fd,
      output: nothing.fd,
      directory,
      signal,
    }).ended;
  } finally {
    await nothing.close();
  }
}

/** qemu-img check: clusters are marked as used and are not, which harms nobody. */
const onlyLeaks = (end: ToolEnd): boolean => end.kind === 'failed' && end.code === 3;

/** Packs a raw file with zstd; answers the path of the result. */
export async function packRaw(raw: string, directory: string, signal: AbortSignal): Promise<Made> {
  const path = join(directory, 'packed');
  const [input, output] = [await open(raw, 'r'), await open(path, 'w', 0o600)];
  try {
    const end = await startTool({
      file: 'zstd',
      args: ['-c', '-q', '--no-progress', '-3', '--check'],
      package: 'zstd',
      limits: { ...unpackLimits, fileBytes: (await input.stat()).size + 1024 * 1024 },
      input: input.fd,
      output: output.fd,
      directory,
      signal,
    }).ended;
    if (end.kind !== 'done') return notDone('pack it', end);
    await output.sync();
    return { ok: true, path };
  } finally {
    await Promise.all([input.close(), output.close()]);
  }
}

function notDone(what: string, end: Exclude<ToolEnd, { kind: 'done' }>): Refused {
  if (end.kind === 'limit') return refused('too-large', `To ${what} takes more than is allowed.`);
  if (/no space left/i.test(end.why)) return refused('no-space', `The server's disk has no room to ${what}.`);
  return refused('damaged', `The server could not ${what} (${end.why}).`);
}

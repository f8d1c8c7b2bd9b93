import { createReadStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import type { BootMode, ImageFormat } from '../model/image.ts';
import { convertToRaw, packRaw } from './convert.ts';
import { readLayout } from './disk-layout.ts';
import { detectKind, type Packing } from './format.ts';
import { rawLimit } from './limits.ts';
import { measure, type Measured } from './measure.ts';
import { readQcow2Header } from './qcow2.ts';
import { refused, type Refused } from './refusal.ts';
import { measureUnpacked } from './unpack.ts';

/** A file that came, to be found out about. */
export interface InspectionJob {
  readonly path: string;
  /** A directory of its own for what is made of it. */
  readonly directory: string;
  /** What whoever sent it says it is, hexadecimal. */
  readonly sha256?: string;
  /** Given by the user instead of being looked for. */
  readonly bootModes?: readonly BootMode[];
  /** Bytes that any image may unpack to, however small it is. Default 16 GiB. */
  readonly alwaysRawBytes?: number;
}

/** What is being done, and how far it is. */
export interface InspectionProgress {
  readonly step: 'checking' | 'unpacking' | 'converting';
  /** Bytes of the file while checking; unpacked bytes else. */
  readonly bytes: number;
}

/** What a good image is. */
export interface Inspected {
  /** The file to keep: the one that came, or one made of it in the job's directory. */
  readonly path: string;
  readonly format: ImageFormat;
  readonly sha256: string;
  readonly sizeBytes: number;
  readonly rawBytes: number;
  readonly rawSha256: string;
  readonly bootModes: readonly BootMode[];
}

export type Inspection = { readonly ok: true; readonly image: Inspected } | Refused;

export interface InspectionContext {
  readonly signal: AbortSignal;
  readonly progress: (progress: InspectionProgress) => void;
}

/** Reads a file of unknown content whole: what it is, that it is whole, and what firmware can start it. */
export async function inspect(job: InspectionJob, context: InspectionContext): Promise<Inspection> {
  const blob = await measureFile(job.path, 'checking', context);
  if (job.sha256 !== undefined && blob.sha256 !== job.sha256) {
    const message = `Its SHA-256 is ${blob.sha256}, not ${job.sha256}: it was changed or damaged on its way.`;
    return refused('damaged', message);
  }
  if (blob.bytes === 0) return refused('unfit', 'It is empty.');
  const found = detectKind(blob.head);
  switch (found.kind) {
    case 'foreign':
      return refused('unfit', `It is no disk image: it is ${found.what}.${found.hint ? ` ${found.hint}` : ''}`);
    case 'raw':
      return conclude(job, { path: job.path, format: 'raw', blob, raw: blob });
    case 'packed':
      return inspectPacked(job, { blob, packing: found.packing }, context);
    case 'qcow2':
      return inspectQcow2(job, blob, context);
  }
}

const packedFormats = { zstd: 'raw.zst', gzip: 'raw.gz', xz: 'raw.xz' } as const satisfies Record<Packing, ImageFormat>;

async function inspectPacked(
  job: InspectionJob,
  { blob, packing }: { readonly blob: Measured; readonly packing: Packing },
  { signal, progress }: InspectionContext,
): Promise<Inspection> {
  const unpacked = await measureUnpacked({
    path: job.path,
    packing,
    limit: rawLimit(blob.bytes, job.alwaysRawBytes),
    directory: job.directory,
    signal,
    onBytes: (bytes) => {
      progress({ step: 'unpacking', bytes });
    },
  });
  if (!unpacked.ok) return unpacked;
  return conclude(job, { path: job.path, format: packedFormats[packing], blob, raw: unpacked.measured });
}

async function inspectQcow2(job: InspectionJob, blob: Measured, context: InspectionContext): Promise<Inspection> {
  const header = readQcow2Header(blob.head, rawLimit(blob.bytes, job.alwaysRawBytes));
  if (!header.ok) return refused('unfit', `It is a qcow2 image that cannot be taken: ${header.why}.`);
  const { directory } = job;
  const { signal } = context;
  context.progress({ step: 'converting', bytes: 0 });
  const made = await convertToRaw({ path: job.path, virtualBytes: header.virtualBytes, directory, signal });
  if (!made.ok) return made;
  const raw = await measureFile(made.path, 'converting', context);
  const packed = await packRaw(made.path, directory, signal);
  await rm(made.path);
  if (!packed.ok) return packed;
  const kept = await measureFile(packed.path, 'converting', context);
  return conclude(job, { path: packed.path, format: 'raw.zst', blob: kept, raw });
}

async function measureFile(
  path: string,
  step: InspectionProgress['step'],
  { signal, progress }: InspectionContext,
): Promise<Measured> {
  const onBytes = (bytes: number): void => {
    progress({ step, bytes });
  };
  const measured = await measure(createReadStream(path, { highWaterMark: 1 << 18, signal }), {
    limit: Number.POSITIVE_INFINITY,
    onBytes,
  });
  // Nothing is more than infinity.
  if (measured === undefined) throw new RangeError(path);
  return measured;
}

interface Findings {
  readonly path: string;
  readonly format: ImageFormat;
  readonly blob: Measured;
  readonly raw: Measured;
}

/** The last word: whether what is unpacked is a disk that something can start. */
function conclude(job: InspectionJob, { path, format, blob, raw }: Findings): Inspection {
  const disk = judgeDisk(raw, format !== 'raw');
  if (!disk.ok) return disk;
  const bootModes = job.bootModes ?? disk.bootModes;
  if (bootModes.length === 0) {
    const message =
      'Nothing in it can be started: it has neither boot code for BIOS nor an EFI system partition. ' +
      'If it starts all the same, say how: bootModes=bios, uefi or bios,uefi.';
    return refused('unfit', message);
  }
  const { sha256, bytes: sizeBytes } = blob;
  return {
    ok: true,
    image: { path, format, sha256, sizeBytes, rawBytes: raw.bytes, rawSha256: raw.sha256, bootModes },
  };
}

function judgeDisk(raw: Measured, packed: boolean): { ok: true; bootModes: readonly BootMode[] } | Refused {
  const inside = detectKind(raw.head);
  if (packed && inside.kind !== 'raw') {
    const what = inside.kind === 'packed' ? `compressed once more (${inside.packing})` : describe(inside);
    return refused('unfit', `What is packed in it is no raw disk image: it is ${what}.`);
  }
  const layout = readLayout(raw.head);
  if (layout.kind === 'none') {
    const message = 'It is not a disk image: it begins with neither boot code nor a partition table.';
    return refused('unfit', message);
  }
  if (raw.bytes % 512 !== 0) {
    return refused(
      'damaged',
      `It has ${raw.bytes} bytes, which are not whole sectors of 512: it was cut off or changed.`,
    );
  }
  if (layout.needsBytes > raw.bytes) {
    const message = `It has ${raw.bytes} bytes, and its partition table says ${layout.needsBytes}: it was cut off.`;
    return refused('damaged', message);
  }
  return { ok: true, bootModes: layout.bootModes };
}

function describe(inside: Exclude<ReturnType<typeof detectKind>, { kind: 'raw' | 'packed' }>): string {
  return inside.kind === 'qcow2' ? 'a qcow2 image; give that one unpacked' : inside.what;
}

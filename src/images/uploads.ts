import { newId } from '../model/id.ts';
import type { ImageFiles } from './files.ts';
import type { InspectionProgress } from './inspect.ts';
import { receive } from './receive.ts';
import { refused, type Refusal, type Refused } from './refusal.ts';
import { uploadRecordSchema, type ImageMetadata, type UploadRecord } from './upload.ts';

/** An upload as it is now. */
export interface Upload {
  readonly record: UploadRecord;
  /** Bytes that came. */
  readonly offset: number;
  readonly inspection?: InspectionProgress;
}

export type Appended =
  | { readonly ok: true; readonly offset: number; readonly end: 'whole' | 'broken' }
  | { readonly ok: false; readonly conflict: 'missing' | 'locked' | 'offset' | 'ended' }
  | Refused;

export interface NewUpload {
  readonly way: UploadRecord['way'];
  readonly metadata: ImageMetadata;
  readonly length?: number;
  readonly url?: string;
}

/** The uploads under way, each with its record on disk. They know nothing of images. */
export interface Uploads {
  /** Reads what an earlier process left. */
  readonly load: () => Promise<void>;
  readonly create: (upload: NewUpload) => Promise<{ readonly ok: true; readonly upload: Upload } | Refused>;
  readonly get: (id: string) => Upload | undefined;
  /** Oldest first. */
  readonly list: () => readonly Upload[];
  /**
   * Writes a stream behind what came. One at a time. A broken stream is no refusal: what came is kept. Without
   * room the upload ends `failed`, and its bytes are removed.
   */
  readonly append: (id: string, offset: number, stream: AsyncIterable<unknown>) => Promise<Appended>;
  /** Says from where, and to what length, bytes will come, where that is known only now. */
  readonly restart: (id: string, at: Whence) => Promise<{ readonly ok: true } | Refused>;
  /** Changes the record, durably. */
  readonly change: (id: string, change: Partial<UploadRecord>) => Promise<void>;
  readonly inspected: (id: string, progress: InspectionProgress) => void;
  /** Ends it so; its bytes are removed. */
  readonly fail: (id: string, refusal: Refusal) => Promise<void>;
  /** False where something is being appended. */
  readonly remove: (id: string) => Promise<boolean>;
}

/** What a source says of the stream that it gives. */
export interface Whence {
  readonly offset: number;
  readonly length: number | undefined;
  readonly validator: string | undefined;
}

export interface UploadsDeps {
  readonly files: ImageFiles;
  readonly maxBytes: number;
  readonly now: () => Date;
}

interface Live {
  record: UploadRecord;
  offset: number;
  inspection?: InspectionProgress;
  appending: boolean;
}

const maxUploads = 64;

export function createUploads(deps: UploadsDeps): Uploads {
  const { files } = deps;
  const all = new Map<string, Live>();

  const change: Uploads['change'] = async (id, changed) => {
    const live = all.get(id);
    if (live === undefined) return;
    live.record = { ...live.record, ...changed };
    await files.saveRecord(id, live.record);
  };

  const fail: Uploads['fail'] = async (id, refusal) => {
    await files.removePart(id);
    await change(id, { state: 'failed', refusal });
  };

  return {
    change,
    fail,
    load: () => loadAll(files, all),
    create: (upload) => create(deps, all, upload),
    get: (id) => all.get(id),
    list: () => [...all.values()],
    inspected: (id, progress) => {
      const live = all.get(id);
      if (live !== undefined) live.inspection = progress;
    },
    append: async (id, offset, stream) => {
      const live = all.get(id);
      const conflict = conflictOf(live, offset);
      if (live === undefined || conflict !== undefined) return { ok: false, conflict: conflict ?? 'missing' };
      live.appending = true;
      try {
        const appended = await appendTo(deps, live, stream);
        if (!appended.ok) await fail(id, appended.refusal);
        return appended;
      } finally {
        live.appending = false;
      }
    },
    restart: async (id, { offset, length, validator }) => {
      const unfit = await refuseSize(deps, length, offset);
      if (unfit !== undefined) return unfit;
      const live = all.get(id);
      if (live !== undefined) live.offset = offset;
      await change(id, { length, validator });
      return { ok: true };
    },
    remove: async (id) => {
      if (all.get(id)?.appending) return false;
      all.delete(id);
      await files.removeUpload(id);
      return true;
    },
  };
}

async function loadAll(files: ImageFiles, all: Map<string, Live>): Promise<void> {
  for (const [id, json] of await files.loadRecords()) {
    const record = uploadRecordSchema.safeParse(json).data;
    const part = await files.part(id);
    if (record === undefined) await files.removeUpload(id);
    else all.set(id, { record, offset: part?.bytes ?? 0, appending: false });
  }
}

async function create(
  deps: UploadsDeps,
  all: Map<string, Live>,
  { length, ...upload }: NewUpload,
): ReturnType<Uploads['create']> {
  const unfit = await refuseSize(deps, length);
  if (unfit !== undefined) return unfit;
  const open = [...all.values()].filter(({ record: { state } }) => state === 'receiving' || state === 'inspecting');
  if (open.length >= maxUploads) {
    return refused('busy', `${maxUploads} uploads are under way: let some end, or remove them.`);
  }
  const createdAt = deps.now();
  const id = newId(createdAt);
  const known = { id, createdAt: createdAt.toISOString(), state: 'receiving' } as const;
  const record = { ...upload, ...(length === undefined ? {} : { length }), ...known };
  const live: Live = { record, offset: 0, appending: false };
  await deps.files.saveRecord(id, record);
  all.set(id, live);
  return { ok: true, upload: live };
}

async function appendTo(
  { files, maxBytes }: UploadsDeps,
  live: Live,
  stream: AsyncIterable<unknown>,
): Promise<Extract<Appended, { ok: true }> | Refused> {
  const { id, length } = live.record;
  const { bytes, end } = await receive(stream, {
    path: files.partPath(id),
    offset: live.offset,
    most: length ?? maxBytes,
    room: files.room,
    onBytes: (reached) => (live.offset = reached),
  });
  live.offset = bytes;
  if (end === 'no-space') return noSpace();
  return end === 'too-long' ? tooLong(length, maxBytes) : { ok: true, offset: bytes, end };
}

function conflictOf(live: Live | undefined, offset: number): 'missing' | 'locked' | 'offset' | 'ended' | undefined {
  if (live === undefined) return 'missing';
  if (live.appending) return 'locked';
  if (live.record.state !== 'receiving') return 'ended';
  return live.offset === offset ? undefined : 'offset';
}

async function refuseSize({ files, maxBytes }: UploadsDeps, length = 0, offset = 0): Promise<Refused | undefined> {
  if (length > maxBytes) return tooLong(undefined, maxBytes);
  const room = await files.room();
  return room === 0 || room < length - offset ? noSpace(room) : undefined;
}

function tooLong(length: number | undefined, maxBytes: number): Refused {
  return length === undefined
    ? refused('too-large', `An image may have at most ${maxBytes} bytes (images.maxBytes).`)
    : refused('damaged', `More bytes came than the ${length} that were announced.`);
}

function noSpace(room = 0): Refused {
  const left = room === 0 ? 'no room is left' : `only ${room} bytes are left`;
  return refused(
    'no-space',
    `The server's disk is full: ${left} for images (images.keepFreeBytes stay free). Remove an image, or give it more disk.`,
  );
}

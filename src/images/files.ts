import { link, mkdir, open, readdir, readFile, rename, rm, stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { RackwrightError } from '../errors.ts';

/**
 * The directory of images: `<sha256>` are blobs, whole and final; `uploads/<id>/` holds what is on its way. A blob gets
 * its name by one link of a file that is on disk, so that none is ever there in part.
 */
export interface ImageFiles {
  readonly directory: string;
  /** Makes what is missing, for the owner alone. Throws `image-dir` if it cannot be used. */
  prepare(): Promise<void>;
  blobPath(sha256: string): string;
  /** Bytes of a blob; undefined if it is not there. */
  blobBytes(sha256: string): Promise<number | undefined>;
  /** Names a whole file as a blob, durably. One that is there already has the same bytes and stays. */
  keepBlob(path: string, sha256: string): Promise<void>;
  removeBlob(sha256: string): Promise<void>;
  /** Where the bytes of an upload come together. */
  partPath(id: string): string;
  /** Bytes that came; when the last did. */
  part(id: string): Promise<{ readonly bytes: number; readonly at: Date } | undefined>;
  /** An empty directory for what is made of an upload. */
  workDirectory(id: string): Promise<string>;
  /** Writes what is known of an upload, durably; its first call makes its directory and an empty part. */
  saveRecord(id: string, record: unknown): Promise<void>;
  /** The records of all uploads by id; undefined where there is none, or none that is JSON. */
  loadRecords(): Promise<ReadonlyMap<string, unknown>>;
  /** Removes the bytes of an upload, and keeps what is known of it. */
  removePart(id: string): Promise<void>;
  removeUpload(id: string): Promise<void>;
  /** Bytes that may be written before `keepFreeBytes` would be touched; never below 0. */
  readonly room: () => Promise<number>;
}

export interface ImageFilesOptions {
  readonly directory: string;
  /** Bytes of the file system that are left to others. */
  readonly keepFreeBytes: number;
}

export function createImageFiles({ directory, keepFreeBytes }: ImageFilesOptions): ImageFiles {
  const uploads = join(directory, 'uploads');
  const of = (id: string, ...rest: string[]): string => join(uploads, id, ...rest);
  const blobPath = (sha256: string): string => join(directory, sha256);

  return {
    directory,
    blobPath,
    async prepare() {
      try {
        await mkdir(uploads, { recursive: true, mode: 0o700 });
      } catch (cause) {
        throw new RackwrightError('image-dir', `images cannot be kept in ${directory}: check images.dir`, { cause });
      }
    },
    async blobBytes(sha256) {
      const found = await unlessMissing(stat(blobPath(sha256)));
      return found?.isFile() ? found.size : undefined;
    },
    async keepBlob(path, sha256) {
      await syncPath(path);
      await link(path, blobPath(sha256)).catch((error: unknown) => {
        if (codeOf(error) !== 'EEXIST') throw error;
      });
      await syncPath(directory);
    },
    removeBlob: (sha256) => rm(blobPath(sha256), { force: true }),
    partPath: (id) => of(id, 'part'),
    async part(id) {
      const found = await unlessMissing(stat(of(id, 'part')));
      return found && { bytes: found.size, at: found.mtime };
    },
    async workDirectory(id) {
      await rm(of(id, 'work'), { recursive: true, force: true });
      await mkdir(of(id, 'work'), { mode: 0o700 });
      return of(id, 'work');
    },
    saveRecord: (id, record) => saveRecord(of(id), record),
    async loadRecords() {
      const ids = await readdir(uploads);
      return new Map(await Promise.all(ids.map(async (id) => [id, await readRecord(of(id, 'upload.json'))] as const)));
    },
    async removePart(id) {
      await rm(of(id, 'work'), { recursive: true, force: true });
      await rm(of(id, 'part'), { force: true });
    },
    removeUpload: (id) => rm(of(id), { recursive: true, force: true }),
    async room() {
      const { bavail, bsize } = await statfs(directory);
      return Math.max(0, bavail * bsize - keepFreeBytes);
    },
  };
}

async function saveRecord(directory: string, record: unknown): Promise<void> {
  if ((await mkdir(directory, { recursive: true, mode: 0o700 })) !== undefined) {
    await (await open(join(directory, 'part'), 'wx', 0o600)).close();
    await syncPath(join(directory, '..'));
  }
  const path = join(directory, 'upload.json');
  const next = await open(`${path}.new`, 'w', 0o600);
  try {
    await next.writeFile(JSON.stringify(record));
    await next.sync();
  } finally {
    await next.close();
  }
  await rename(`${path}.new`, path);
  await syncPath(directory);
}

async function readRecord(path: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as unknown;
  } catch (error) {
    if (error instanceof SyntaxError || ['ENOENT', 'ENOTDIR'].includes(codeOf(error) ?? '')) return undefined;
    throw error;
  }
}

/** What was written to a file, or which names a directory has, is on disk afterwards. */
async function syncPath(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function unlessMissing<T>(found: Promise<T>): Promise<T | undefined> {
  try {
    return await found;
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

function codeOf(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException).code;
}

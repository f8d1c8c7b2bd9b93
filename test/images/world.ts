import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createImages, type Images, type ImagesDeps } from '../../src/images/images.ts';
import type { Inspector } from '../../src/images/inspector.ts';
import { refused } from '../../src/images/refusal.ts';
import type { ImageMetadata } from '../../src/images/upload.ts';
import { createLog } from '../../src/log.ts';
import { openSqliteStore } from '../../src/store/sqlite/store.ts';
import type { Store } from '../../src/store/collections.ts';

/** Images over a store in memory and a directory, with an inspection that takes every file but those with `bad` in them. */
export interface ImagesWorld {
  readonly store: Store;
  readonly directory: string;
  /** The newest that was opened. */
  images: Images;
  /** Another process with the same store and directory, started. */
  reopen(changes?: Partial<ImagesDeps>): Promise<Images>;
  /** Names in the directory: blobs, and uploads as `uploads/<id>`. */
  names(): Promise<string[]>;
  close(): Promise<void>;
}

export const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

export const lenientInspector: Inspector = async ({ path, sha256: said }, signal) => {
  signal.throwIfAborted();
  const text = await readFile(path, 'utf8');
  if (text.includes('bad')) return refused('unfit', 'It is bad.');
  if (said !== undefined && said !== sha256(text)) return refused('damaged', 'It was changed.');
  const bytes = text.length;
  return {
    ok: true,
    image: {
      path,
      format: 'raw',
      sha256: sha256(text),
      sizeBytes: bytes,
      rawBytes: bytes,
      rawSha256: sha256(text),
      bootModes: ['bios'],
    },
  };
};

export async function openImagesWorld(deps: Partial<ImagesDeps> = {}): Promise<ImagesWorld> {
  const directory = await mkdtemp(join(tmpdir(), 'rackwright-images-'));
  const { store, close } = await openSqliteStore({ path: ':memory:' });
  const open = async (changes: Partial<ImagesDeps>): Promise<Images> => {
    const images = createImages({
      store,
      directory,
      maxBytes: 1000,
      keepFreeBytes: 0,
      log: createLog('silent'),
      now: () => new Date(),
      inspector: lenientInspector,
      ...deps,
      ...changes,
    });
    await images.start();
    return images;
  };
  const world: ImagesWorld = {
    store,
    directory,
    images: await open({}),
    reopen: async (changes = {}) => {
      await world.images.stop();
      return (world.images = await open(changes));
    },
    names: async () => {
      const uploads = (await readdir(join(directory, 'uploads'))).map((name) => `uploads/${name}`);
      return [...(await readdir(directory)).filter((name) => name !== 'uploads'), ...uploads].sort();
    },
    close: async () => {
      await world.images.stop();
      await close();
      await rm(directory, { recursive: true });
    },
  };
  return world;
}

export const metadata = (name: string, more: Partial<ImageMetadata> = {}): ImageMetadata => ({
  name,
  cloudInit: true,
  ...more,
});

/** A body as it comes from a connection; an Error breaks it. */
export async function* body(...texts: (string | Error)[]): AsyncGenerator<Buffer> {
  for (const text of texts) {
    await Promise.resolve();
    if (text instanceof Error) throw text;
    yield Buffer.from(text);
  }
}

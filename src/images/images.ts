import type { Log } from '../log.ts';
import type { Image } from '../model/image.ts';
import type { Store } from '../store/collections.ts';
import { createCatalogue, nameTaken, type Catalogue } from './catalogue.ts';
import { createFetcher, type Fetcher } from './fetch-source.ts';
import { createImageFiles, type ImageFiles, type ImageFilesOptions } from './files.ts';
import { createFinisher, type Finisher } from './finish.ts';
import { createInspector, type Inspector } from './inspector.ts';
import { refused, type Refused } from './refusal.ts';
import { recoverUploads, sweepUploads } from './sweep.ts';
import type { ImageMetadata } from './upload.ts';
import { createUploads, type Appended, type NewUpload, type Upload, type Uploads } from './uploads.ts';

export interface ImagesDeps extends ImageFilesOptions {
  readonly store: Store;
  /** Bytes that an image may have as it comes. */
  readonly maxBytes: number;
  readonly log: Log;
  readonly now: () => Date;
  /** Default: a thread for each, one at a time. */
  readonly inspector?: Inspector;
}

/** Disk images: how they come, how they are kept, how they go. */
export interface Images extends Pick<Catalogue, 'find' | 'blobPath' | 'blobState' | 'remove'> {
  /** Removes what a crash left, and continues what can be. */
  readonly start: () => Promise<void>;
  /** Ends what is under way; resumable uploads stay. */
  readonly stop: () => Promise<void>;
  /** Takes an image in one stream. A broken one leaves nothing. */
  readonly add: (metadata: ImageMetadata, source: ImageSource) => Promise<Added>;
  /** Begins an upload in pieces, or one that the server fetches from `url` by itself. */
  readonly begin: (upload: NewUpload) => Promise<{ readonly ok: true; readonly upload: Upload } | Refused>;
  /** Writes the next piece; the last one makes it an image, and `image` is there when that is done. */
  readonly append: (id: string, offset: number, stream: AsyncIterable<unknown>) => Promise<Appended | Added>;
  readonly upload: (id: string) => Upload | undefined;
  readonly uploads: () => readonly Upload[];
  /** Forgets an upload with what came of it; stops one that is under way. */
  readonly abandon: (id: string) => Promise<'removed' | 'missing' | 'locked'>;
}

export interface ImageSource {
  readonly stream: AsyncIterable<unknown>;
  /** Bytes that will come, where the sender said so. */
  readonly length?: number;
}

export type Added = { readonly ok: true; readonly image: Image } | Refused;

const sweepMs = 3600 * 1000;

export function createImages(deps: ImagesDeps): Images {
  const { store, log, now } = deps;
  const files = createImageFiles(deps);
  const uploads = createUploads({ files, maxBytes: deps.maxBytes, now });
  const catalogue = createCatalogue({ store, files });
  const stopped = new AbortController();
  const { signal } = stopped;
  const finish = createFinisher({
    uploads,
    files,
    catalogue,
    inspector: deps.inspector ?? createInspector(),
    log,
    signal,
  });
  const fetcher = createFetcher({ uploads, finish, log, signal });
  const parts: Parts = { ...deps, files, uploads, catalogue, finish, fetcher };
  let timer: NodeJS.Timeout | undefined;

  return {
    find: catalogue.find,
    blobPath: catalogue.blobPath,
    blobState: catalogue.blobState,
    remove: catalogue.remove,
    add: (metadata, source) => add(parts, metadata, source),
    begin: (upload) => begin(parts, upload),
    upload: uploads.get,
    uploads: uploads.list,
    append: async (id, offset, stream) => {
      const appended = await uploads.append(id, offset, stream);
      if (!appended.ok || appended.end === 'broken') return appended;
      return appended.offset === uploads.get(id)?.record.length ? finish(id) : appended;
    },
    abandon: async (id) => {
      if (uploads.get(id) === undefined) return 'missing';
      await Promise.all([fetcher.cancel(id), finish.cancel(id)]);
      return (await uploads.remove(id)) ? 'removed' : 'locked';
    },
    start: async () => {
      await files.prepare();
      await recover(parts);
      await warnOfBroken(parts);
      timer = setInterval(() => {
        sweepUploads(parts).catch((error: unknown) => {
          log.error({ event: 'images.sweep-failed', err: error }, 'old uploads could not be removed');
        });
      }, sweepMs);
      timer.unref();
    },
    stop: async () => {
      clearInterval(timer);
      stopped.abort();
      await Promise.all([finish.idle(), fetcher.idle()]);
    },
  };
}

interface Parts extends ImagesDeps {
  readonly files: ImageFiles;
  readonly uploads: Uploads;
  readonly catalogue: Catalogue;
  readonly finish: Finisher;
  readonly fetcher: Fetcher;
}

async function begin({ catalogue, uploads, fetcher }: Parts, upload: NewUpload): ReturnType<Images['begin']> {
  const { name } = upload.metadata;
  if ((await catalogue.find(name)) !== undefined) return nameTaken(name);
  const begun = await uploads.create(upload);
  if (begun.ok && upload.way === 'url') fetcher.start(begun.upload.record.id);
  return begun;
}

async function add(parts: Parts, metadata: ImageMetadata, { stream, length }: ImageSource): Promise<Added> {
  const { uploads, finish } = parts;
  const begun = await begin(parts, { way: 'request', metadata, ...(length === undefined ? {} : { length }) });
  if (!begun.ok) return begun;
  const { id } = begun.upload.record;
  try {
    const appended = await uploads.append(id, 0, stream);
    if (!appended.ok)
      return 'refusal' in appended ? appended : refused('fault', `It was changed: ${appended.conflict}.`);
    if (appended.end === 'broken' || appended.offset < (length ?? 0)) return cutOff(appended.offset, length);
    return await finish(id);
  } finally {
    await uploads.remove(id);
  }
}

async function recover(parts: Parts): Promise<void> {
  const { uploads, catalogue, fetcher, finish } = parts;
  await uploads.load();
  await sweepUploads(parts);
  for (const id of await recoverUploads({ uploads, catalogue })) {
    const record = uploads.get(id)?.record;
    if (record?.way === 'url' && record.state === 'receiving') fetcher.start(id);
    else void finish(id);
  }
}

async function warnOfBroken({ store, catalogue, log }: Parts): Promise<void> {
  let after: string | undefined;
  do {
    const page = await store.images.find(after === undefined ? {} : { after });
    for (const image of page.items) {
      const state = await catalogue.blobState(image);
      if (!state.ok) log.warn({ event: 'images.broken', image: image.name }, `image ${image.name}: ${state.why}`);
    }
    after = page.next;
  } while (after !== undefined);
}

function cutOff(bytes: number, length: number | undefined): Refused {
  const of = length === undefined ? '' : ` of ${length}`;
  return refused('damaged', `The connection ended after ${bytes}${of} bytes: nothing of it was kept.`);
}

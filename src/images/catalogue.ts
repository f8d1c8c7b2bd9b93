import { isId } from '../model/id.ts';
import type { Image } from '../model/image.ts';
import type { Store } from '../store/collections.ts';
import type { ImageFiles } from './files.ts';
import type { Inspected } from './inspect.ts';
import { refused, type Refused } from './refusal.ts';
import type { ImageMetadata } from './upload.ts';

/** Whether an image can be handed out. */
export type BlobState = { readonly ok: true } | { readonly ok: false; readonly why: string };

export type Removed =
  { readonly ok: true } | { readonly ok: false; readonly reason: 'missing' | 'in-use'; readonly message: string };

/** The documents of images, and the blobs that belong to them. */
export interface Catalogue {
  /** By id or name. */
  readonly find: (word: string) => Promise<Image | undefined>;
  /** Where an image's bytes are. Ask `blobState` before handing them out. */
  readonly blobPath: (image: Pick<Image, 'sha256'>) => string;
  /** Looks whether the blob is there in its whole length. */
  readonly blobState: (image: Pick<Image, 'sha256' | 'sizeBytes'>) => Promise<BlobState>;
  /** Makes an image of an inspected file. `again`: it was begun before, and may have been done. */
  readonly publish: (
    metadata: ImageMetadata,
    inspected: Inspected,
    again: boolean,
  ) => Promise<{ readonly ok: true; readonly image: Image } | Refused>;
  /** Refused while a deployment writes it. The blob goes with the last image that has it. */
  readonly remove: (word: string) => Promise<Removed>;
  /** Removes a blob that no image has. */
  readonly dropBlob: (sha256: string) => Promise<void>;
}

export function createCatalogue({ store, files }: { readonly store: Store; readonly files: ImageFiles }): Catalogue {
  // What names a blob and what removes one go one after the other: none is removed that is just being named.
  let last: Promise<unknown> = Promise.resolve();
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const next = last.then(work);
    last = next.catch(() => undefined);
    return next;
  };

  const find = async (word: string): Promise<Image | undefined> => {
    if (isId(word)) return store.images.get(word);
    return (await store.images.find({ where: { name: word }, limit: 1 })).items[0];
  };

  const dropBlob = async (sha256: string): Promise<void> => {
    if ((await store.images.count({ sha256 })) === 0) await files.removeBlob(sha256);
  };

  return {
    find,
    blobPath: ({ sha256 }) => files.blobPath(sha256),
    async blobState({ sha256, sizeBytes }) {
      const bytes = await files.blobBytes(sha256);
      if (bytes === sizeBytes) return { ok: true };
      const why = bytes === undefined ? 'is not there' : `has ${bytes} bytes instead of ${sizeBytes}`;
      return { ok: false, why: `its file ${files.blobPath(sha256)} ${why}: remove the image, and add it again` };
    },
    dropBlob: (sha256) => inTurn(() => dropBlob(sha256)),
    publish: (metadata, inspected, again) =>
      inTurn(async () => {
        const { path, ...found } = inspected;
        await files.keepBlob(path, inspected.sha256);
        const { name, os, cloudInit } = metadata;
        const inserted = await store.images.insert({ ...found, name, cloudInit, ...(os === undefined ? {} : { os }) });
        if (inserted.ok) return { ok: true, image: inserted.document };
        const there = await find(name);
        if (again && there?.sha256 === inspected.sha256) return { ok: true, image: there };
        await dropBlob(inspected.sha256);
        return nameTaken(name);
      }),
    remove: (word) =>
      inTurn(async () => {
        const image = await find(word);
        if (image === undefined) return { ok: false, reason: 'missing', message: `There is no image '${word}'.` };
        const { items } = await store.deployments.find({ where: { imageId: image.id, state: 'active' }, limit: 1 });
        const [user] = items;
        if (user !== undefined) {
          const message = `Image ${image.name} is being written to node ${user.nodeId}: wait for the end of operation ${user.id}, or cancel it.`;
          return { ok: false, reason: 'in-use', message };
        }
        await store.images.delete(image.id);
        await dropBlob(image.sha256);
        return { ok: true };
      }),
  };
}

export function nameTaken(name: string): Refused {
  return refused('name-taken', `There is an image '${name}' already: remove that one, or choose another name.`);
}

import { createHash } from 'node:crypto';
import { createReadStream, openAsBlob } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { InputError } from '../errors.ts';
import type { ServerApi } from './server-api.ts';

/** An image, as far as a deploy needs it. */
export interface LabImage {
  readonly name: string;
}

/** Milliseconds: the server unpacks the image to look what is in it. */
const uploadMs = 600_000;

/**
 * Gives the server the image in this file, unless it has it. Throws an InputError where there is no such file, code
 * `server` where the server takes no such image.
 */
export async function addImage(api: ServerApi, file: string, say: (line: string) => void): Promise<LabImage> {
  const found = await stat(file).catch(() => undefined);
  if (found?.isFile() !== true) {
    throw new InputError('image', `there is no image ${file}: make image builds Debian 12, --image names another`);
  }
  const sha256 = createHash('sha256');
  await pipeline(createReadStream(file), sha256);
  const digest = sha256.digest('hex');
  const same = await api.get<{ items: LabImage[] }>(`/images?sha256=${digest}`);
  const [known] = same?.items ?? [];
  if (known !== undefined) return known;
  // An image that is built anew gets a name of its own. Of one that the server converts, the checksum is not in its list.
  const name = imageName(file, digest);
  const named = await api.get<LabImage>(`/images/${name}`);
  if (named !== undefined) return named;
  say(`the server takes ${basename(file)} (${(found.size / 1e6).toFixed(0)} MB) as image ${name}`);
  return await api.put<LabImage>(`/images/${name}?sha256=${digest}`, await openAsBlob(file), uploadMs);
}

/** What the file is called, as far as names of images allow it, and the begin of its checksum. */
export function imageName(file: string, sha256: string): string {
  const stem = basename(file)
    .toLowerCase()
    .replace(/(\.(raw|img|qcow2|zst|gz|xz))+$/, '')
    .replaceAll(/[^a-z0-9._-]+/g, '-')
    .replaceAll(/^[^a-z0-9]+|[^a-z0-9]+$/g, '')
    .slice(0, 50);
  return `${stem === '' ? 'image' : stem}-${sha256.slice(0, 8)}`;
}

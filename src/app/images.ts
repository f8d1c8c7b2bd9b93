import { join, resolve } from 'node:path';
import type { Config } from '../config-schema.ts';
import { createImages, type Images } from '../images/images.ts';
import type { Foundation } from './foundation.ts';

/** The images of this server; nothing is touched before `start`. */
export function imagesOf(config: Config, { dataDir, store, log, now }: Foundation): Images {
  const { dir, maxBytes, keepFreeBytes } = config.images;
  const directory = dir === undefined ? join(dataDir, 'images') : resolve(dir);
  return createImages({ directory, maxBytes, keepFreeBytes, store, log, now });
}

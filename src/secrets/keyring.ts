import { randomBytes } from 'node:crypto';
import { link, mkdir, open, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { z } from 'zod';
import { RackwrightError } from '../errors.ts';

/** One key of the ring: AES-256. */
export interface Key {
  /** 8 hexadecimal digits; stands in every sealed text, so that it is known which key opens it. */
  readonly id: string;
  /** ISO 8601. */
  readonly createdAt: string;
  /** 32 bytes, base64. */
  readonly key: string;
}

/** Oldest first: the last seals, all open. */
export interface Keyring {
  readonly file: string;
  readonly keys: readonly Key[];
}

const fileSchema = z.strictObject({
  keys: z
    .array(
      z.strictObject({
        id: z.string().regex(/^[0-9a-f]{8}$/),
        createdAt: z.string(),
        key: z.string().refine((text) => Buffer.from(text, 'base64').length === 32, 'expected 32 bytes in base64'),
      }),
    )
    .min(1),
});

function newKey(now: Date): Key {
  return { id: randomBytes(4).toString('hex'), createdAt: now.toISOString(), key: randomBytes(32).toString('base64') };
}

/** Writes the whole ring to a new file beside `file`, readable by its owner only and durable before it is named. */
async function writeBeside(file: string, keys: readonly Key[]): Promise<string> {
  const temporary = `${file}.${randomBytes(6).toString('hex')}.new`;
  const handle = await open(temporary, 'wx', 0o600);
  try {
    await handle.writeFile(`${JSON.stringify({ keys }, null, 2)}\n`);
    await handle.sync();
  } finally {
    await handle.close();
  }
  return temporary;
}

/** Makes a new name in `folder` survive a power cut. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Of servers that start at once over one directory, one makes the file and all use it: `link` never replaces. */
async function createFile(file: string, now: Date): Promise<void> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  const temporary = await writeBeside(file, [newKey(now)]);
  try {
    await link(temporary, file);
    await syncFolder(dirname(file));
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw cause;
  } finally {
    await rm(temporary, { force: true });
  }
}

/** @throws RackwrightError `key-file` if the file can be read by others, or is not a key file. */
async function readRing(file: string): Promise<Keyring> {
  const { mode } = await stat(file);
  if ((mode & 0o077) !== 0) {
    throw new RackwrightError('key-file', `the key file ${file} can be read by others: run chmod 600 ${file}`);
  }
  let parsed: z.infer<typeof fileSchema>;
  try {
    parsed = fileSchema.parse(JSON.parse(await readFile(file, 'utf8')));
  } catch (cause) {
    throw new RackwrightError('key-file', `${file} is not a key file: restore it from your backup`, { cause });
  }
  return { file, keys: parsed.keys };
}

/**
 * Reads the ring; makes a file with one key (mode 0600) where there is none. Whoever has the store but not this file
 * has no secret; whoever loses this file has lost all secrets: back it up apart from the store.
 *
 * @throws RackwrightError `key-file` if the file cannot be used.
 */
export async function openKeyring(file: string, now: Date): Promise<Keyring> {
  try {
    return await readRing(file);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') throw cause;
  }
  try {
    await createFile(file, now);
  } catch (cause) {
    throw new RackwrightError('key-file', `the key file ${file} could not be made`, { cause });
  }
  return await readRing(file);
}

/** Adds a key, which seals from now on. Other servers over the same file use it from their next start. */
export async function rotateKeyring(file: string, now: Date): Promise<Keyring> {
  const ring = await openKeyring(file, now);
  const keys = [...ring.keys, newKey(now)];
  await rename(await writeBeside(file, keys), file);
  await syncFolder(dirname(file));
  return { file, keys };
}

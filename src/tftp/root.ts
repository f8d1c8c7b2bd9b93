import { readFile } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { findInRoot } from '../net/strict-root.ts';
import type { FileInRoot } from '../net/strict-root.ts';
import { tftpError } from './packet.ts';
import type { OpenedFile, OpenFile } from './requests.ts';

export interface FileOpenerLimits {
  /** Most bytes of files kept in memory between transfers. Default 64 MiB. */
  readonly cacheBytes?: number;
  /** Larger files are refused: they belong on HTTP. Default 256 MiB. */
  readonly fileBytes?: number;
}

/**
 * Opens files for the TFTP server: under a folder that names cannot leave, or by a table of name to path. Boot loaders
 * are small and asked for by every node, so the last ones stay in memory until they change on disk.
 */
export function createFileOpener(
  source: string | Readonly<Record<string, string>>,
  limits: FileOpenerLimits = {},
): OpenFile {
  const cache = createCache(limits.cacheBytes ?? 64 << 20);
  const largest = limits.fileBytes ?? 256 << 20;
  return async (name) => {
    const found = typeof source === 'string' ? await findInRoot(source, name) : await findInTable(source, name);
    if (found.kind !== 'file') return refusals[found.kind];
    if (found.size > largest) {
      return {
        kind: 'refused',
        code: tftpError.undefined,
        message: 'the file is too large for TFTP; fetch it by HTTP',
      };
    }
    try {
      return { kind: 'file', bytes: await cache.read(found) };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EACCES') return refusals.forbidden;
      throw error;
    }
  };
}

type Found = Extract<FileInRoot, { kind: 'file' }>;

const refusals: Readonly<Record<Exclude<FileInRoot['kind'], 'file'>, OpenedFile>> = {
  missing: { kind: 'refused', code: tftpError.fileNotFound, message: 'file not found' },
  outside: { kind: 'refused', code: tftpError.accessViolation, message: 'the name leads out of the served folder' },
  forbidden: { kind: 'refused', code: tftpError.accessViolation, message: 'the server may not read the file' },
};

function findInTable(table: Readonly<Record<string, string>>, name: string): Promise<FileInRoot> {
  const key = name.replace(/^\/+/, '');
  const path = Object.hasOwn(table, key) ? table[key] : undefined;
  return path === undefined ? Promise.resolve({ kind: 'missing' }) : findInRoot(dirname(path), basename(path));
}

/**
 * Contents by path. `recent` keeps the last ones up to a limit; `known` finds those again that a transfer still holds, so
 * that a file is never in memory twice.
 */
function createCache(limit: number): { read(file: Found): Promise<Uint8Array> } {
  const recent = new Map<string, Uint8Array>();
  const known = new Map<string, { stamp: string; bytes: WeakRef<Uint8Array> }>();
  const loading = new Map<string, Promise<Uint8Array>>();
  let total = 0;

  const forget = (path: string): void => {
    total -= recent.get(path)?.length ?? 0;
    recent.delete(path);
  };
  const keep = (path: string, bytes: Uint8Array): void => {
    forget(path);
    recent.set(path, bytes);
    total += bytes.length;
    for (const oldest of recent.keys()) {
      if (total <= limit) break;
      forget(oldest);
    }
  };
  const load = async (path: string, stamp: string): Promise<Uint8Array> => {
    const bytes = await readFile(path);
    for (const [other, { bytes: held }] of known) if (held.deref() === undefined) known.delete(other);
    known.set(path, { stamp, bytes: new WeakRef(bytes) });
    return bytes;
  };

  return {
    read: async (file) => {
      const stamp = `${file.size} ${file.modified.getTime()}`;
      const entry = known.get(file.path);
      let bytes = entry?.stamp === stamp ? entry.bytes.deref() : undefined;
      if (bytes === undefined) {
        const key = `${stamp} ${file.path}`;
        const work = loading.get(key) ?? load(file.path, stamp).finally(() => loading.delete(key));
        loading.set(key, work);
        bytes = await work;
      }
      keep(file.path, bytes);
      return bytes;
    },
  };
}

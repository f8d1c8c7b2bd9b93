import { realpath, stat } from 'node:fs/promises';
import { join, sep } from 'node:path';

/** What a name from the network stands for, under a folder that it must not leave. */
export type FileInRoot =
  | { readonly kind: 'file'; readonly path: string; readonly size: number; readonly modified: Date }
  /** There is no such regular file. */
  | { readonly kind: 'missing' }
  /** The name, or a symbolic link on its way, leads out of the folder. */
  | { readonly kind: 'outside' }
  /** It is there, but this process may not read it. */
  | { readonly kind: 'forbidden' };

/**
 * Finds a file under `root` by a name that a stranger sent. A leading slash means the root, as with any TFTP server;
 * empty and `.` segments count for nothing (shim asks for `//grubx64.efi`). `..`, backslashes and control characters are
 * `outside`, as is every symbolic link whose target is not under the root. Throws only faults of the file system.
 */
export async function findInRoot(root: string, name: string): Promise<FileInRoot> {
  const segments = name.split('/').filter((segment) => segment !== '' && segment !== '.');
  // eslint-disable-next-line no-control-regex -- control characters are what is looked for
  if (segments.includes('..') || /[\\\u0000-\u001f\u007f]/.test(name)) return { kind: 'outside' };
  try {
    const base = await realpath(root);
    const path = await realpath(join(base, ...segments));
    if (!path.startsWith(base.endsWith(sep) ? base : base + sep))
      return { kind: path === base ? 'missing' : 'outside' };
    const found = await stat(path);
    return found.isFile() ? { kind: 'file', path, size: found.size, modified: found.mtime } : { kind: 'missing' };
  } catch (error) {
    const absent = absence((error as NodeJS.ErrnoException).code);
    if (absent === undefined) throw error;
    return absent;
  }
}

function absence(code: string | undefined): FileInRoot | undefined {
  if (code === 'EACCES' || code === 'EPERM') return { kind: 'forbidden' };
  return ['ENOENT', 'ENOTDIR', 'ENAMETOOLONG', 'ELOOP'].includes(code ?? '') ? { kind: 'missing' } : undefined;
}

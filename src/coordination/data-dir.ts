import {
  accessSync,
  chmodSync,
  constants,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { RackwrightError } from '../errors.ts';
import { codes, primaryCode } from '../store/sqlite/faults.ts';

/** A data directory that belongs to this process until it ends, or gives it back. */
export interface DataDir {
  readonly path: string;
  readonly release: () => void;
}

interface Holder {
  readonly pid: number;
  readonly host: string;
  readonly since: string;
}

/** An SQLite file for the sake of its lock. POSIX drops a process's locks on any close of the file: open it nowhere else. */
const lockFile = 'lock';
/** Says who holds the lock; true only while the lock is held. */
const holderFile = 'lock-holder.json';

/**
 * Makes the data directory (mode 0700) where it is missing and takes it for this process alone: the kernel releases
 * the lock when the process ends, however it ends. Throws RackwrightError: `data-dir-unusable` (cannot be made or
 * written), `data-dir-open` (others may enter it), `data-dir-in-use` (names the server that holds it).
 */
export function claimDataDir(path: string, now: () => Date = () => new Date()): DataDir {
  prepareDirectory(path);
  const lock = takeLock(path);
  const holder: Holder = { pid: process.pid, host: hostname(), since: now().toISOString() };
  writeFileSync(join(path, holderFile), `${JSON.stringify(holder)}\n`, { mode: 0o600 });
  const release = (): void => {
    process.off('exit', release);
    if (lock.isOpen) lock.close();
  };
  // The listener also keeps the lock from being collected as garbage, should the caller drop what it was given.
  process.on('exit', release);
  return { path, release };
}

function prepareDirectory(path: string): void {
  try {
    makeDirectory(path);
    // A volume comes empty and open to all. One that has something in it may be a shared directory, named by mistake.
    if (readdirSync(path).length === 0) chmodSync(path, 0o700);
    accessSync(path, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (cause) {
    throw new RackwrightError(
      'data-dir-unusable',
      `data directory ${path}: cannot be made, read and written by this user. Choose another, or change its owner`,
      { cause },
    );
  }
  const mode = statSync(path).mode & 0o777;
  if ((mode & 0o077) !== 0) {
    throw new RackwrightError(
      'data-dir-open',
      `data directory ${path}: other users may enter it (mode ${mode.toString(8)}), and it will hold keys. ` +
        `If it is Rackwright's alone: chmod 700 ${path}. If not, choose another`,
    );
  }
}

/** With its parents. Node's own recursive mkdir never returns where the kernel answers ENOENT to it, as below /proc. */
function makeDirectory(path: string): void {
  if (existsSync(path)) return;
  makeDirectory(dirname(path));
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    // Another server was faster.
    if (!existsSync(path)) throw error;
  }
}

function takeLock(path: string): DatabaseSync {
  let lock: DatabaseSync | undefined;
  try {
    lock = new DatabaseSync(join(path, lockFile), { timeout: 0 });
    lock.exec('BEGIN EXCLUSIVE');
    return lock;
  } catch (cause) {
    lock?.close();
    if (primaryCode(cause) !== codes.busy) {
      throw new RackwrightError('data-dir-unusable', `data directory ${path}: its file ${lockFile} cannot be locked`, {
        cause,
      });
    }
    throw new RackwrightError(
      'data-dir-in-use',
      `data directory ${path} is in use by another server${describeHolder(path)}. End that one, or choose another directory`,
    );
  }
}

function describeHolder(path: string): string {
  try {
    const { pid, host, since } = JSON.parse(readFileSync(join(path, holderFile), 'utf8')) as Holder;
    return ` (process ${pid} on ${host}, since ${since})`;
  } catch {
    // The other server has the lock and has not said yet who it is.
    return '';
  }
}

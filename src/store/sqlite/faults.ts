import type { Fault } from './protocol.ts';

/** Primary result codes of SQLite (https://sqlite.org/rescode.html). */
export const codes = {
  busy: 5,
  readOnly: 8,
  ioError: 10,
  corrupt: 11,
  full: 13,
  cannotOpen: 14,
  notADatabase: 26,
} as const;

/** Says what a fault of SQLite means for the operator. */
export function describeFault(error: unknown, path: string): Fault {
  const detail = error instanceof Error ? error.message : String(error);
  const fault = (code: string, text: string, retryable = false): Fault => ({
    code,
    message: `database ${path}: ${text} (${detail})`,
    retryable,
  });
  switch (primaryCode(error)) {
    case codes.corrupt:
    case codes.notADatabase:
      return fault(
        'store-corrupt',
        'the file is damaged or is no database. Stop the server, keep a copy of the file and its -wal and -shm ' +
          'files, then restore a backup, or save what is readable with `sqlite3 FILE .recover`, or move the files away ' +
          'to start empty',
      );
    case codes.full:
      return fault('store-full', 'the disk is full. Free some space: nothing that was acknowledged is lost', true);
    case codes.ioError:
      return fault('store-io', 'the disk failed to read or write. Look at the kernel log', true);
    case codes.readOnly:
      return fault('store-read-only', 'the file may not be written. Check its owner and mode, and the mount');
    case codes.cannotOpen:
      return fault('store-open', 'cannot be opened. Check that the directory exists and belongs to this user');
    case codes.busy:
      return fault('store-busy', 'another program holds it locked. End that program', true);
    default:
      return fault('store', 'failed');
  }
}

/** SQLite's code of an error, without the extension in its bits from 8; undefined for what SQLite did not throw. */
export function primaryCode(error: unknown): number | undefined {
  if (typeof error !== 'object' || error === null || !('errcode' in error)) return undefined;
  return Number(error.errcode) & 0xff;
}

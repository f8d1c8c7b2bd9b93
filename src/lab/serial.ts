import { statSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { RackwrightError } from '../errors.ts';
import { waitFor } from './wait.ts';

/** Bytes kept while looking: a line that is longer than this is not found. */
const windowBytes = 256 * 1024;

const panic = /Kernel panic - not syncing.*/;

/** Size of a file, 0 where there is none yet. */
export function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}

/**
 * Waits until a serial log matches, from byte `from` on; gives the match. Throws code `deadline`, or `kernel-panic` at
 * once where the guest's kernel gave up; both show the end of the log. The last line may not be whole yet (a prompt never
 * is): a pattern that needs the whole line ends in a line end.
 */
export async function waitForLine(
  log: string,
  pattern: RegExp,
  options: { readonly from: number; readonly deadlineMs: number },
): Promise<RegExpMatchArray> {
  let position = options.from;
  let seen = '';
  const tail = (): string => seen.slice(-600);
  try {
    return await waitFor(
      `/${pattern.source}/ in ${log}`,
      async () => {
        const piece = await readFrom(log, position);
        position += piece.length;
        seen = (seen + plainText(piece)).slice(-windowBytes);
        const found = seen.match(pattern);
        if (found !== null) return found;
        const died = panic.exec(seen);
        if (died !== null) throw new RackwrightError('kernel-panic', died[0]);
        return undefined;
      },
      { deadlineMs: options.deadlineMs, stepMs: 100 },
    );
  } catch (error) {
    const { code, message } =
      error instanceof RackwrightError ? error : { code: 'serial', message: `cannot read ${log}` };
    throw new RackwrightError(code, `${message}; the log ends:\n${tail()}`, { cause: error });
  }
}

/** Firmware pads its lines with NULs and ends them with CR LF. */
function plainText(bytes: Buffer): string {
  return bytes.toString('latin1').replaceAll(/[\r\0]/g, '');
}

async function readFrom(path: string, position: number): Promise<Buffer> {
  const length = Math.min(sizeOf(path) - position, windowBytes);
  if (length <= 0) return Buffer.alloc(0);
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, position);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}

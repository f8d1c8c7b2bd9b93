import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A block device of the kernel over a file: partitions, ioctls and all. Needs root. */
export interface LoopDisk {
  /** `loop3` */
  readonly name: string;
  /** `/dev/loop3` */
  readonly path: string;
  /** What is on it now. */
  readonly read: () => Buffer;
  readonly close: () => void;
}

/** Makes a disk of that many bytes that holds `byte` everywhere, as one that was used before does. */
export function createLoopDisk(bytes: number, byte = 0): LoopDisk {
  const dir = mkdtempSync(join(tmpdir(), 'rwt-disk-'));
  const file = join(dir, 'disk');
  writeFileSync(file, byte === 0 ? '' : Buffer.alloc(bytes, byte));
  truncateSync(file, bytes);
  const path = run('losetup', '--find', '--show', '--partscan', file).trim();
  return {
    name: path.replace('/dev/', ''),
    path,
    read: () => {
      run('blockdev', '--flushbufs', path);
      return readFileSync(file);
    },
    close: () => {
      run('losetup', '--detach', path);
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

function run(program: string, ...args: string[]): string {
  return execFileSync(program, args, { encoding: 'utf8' });
}

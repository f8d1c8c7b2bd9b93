import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { claimDataDir } from '../../src/coordination/data-dir.ts';

let base: string;
let holder: ChildProcess | undefined;
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'rw-data-dir-'));
});
afterEach(async () => {
  if (holder?.exitCode === null && holder.signalCode === null) await kill(holder);
  holder = undefined;
  rmSync(base, { recursive: true });
});

/** Starts a process that holds the directory. */
async function startHolder(dir: string): Promise<ChildProcess> {
  const program = join(import.meta.dirname, 'claim-and-wait.ts');
  const child = spawn(process.execPath, [program, dir], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(child.stdout, 'data');
  return child;
}

async function kill(child: ChildProcess): Promise<void> {
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
}

function faultOf(run: () => unknown): unknown {
  try {
    return run();
  } catch (error) {
    return error;
  }
}

test('makes the directory for this user alone', () => {
  const dir = join(base, 'a', 'b');
  const claimed = claimDataDir(dir);
  expect(statSync(dir).mode & 0o777).toBe(0o700);
  claimed.release();
});

test('closes an empty directory that was open to all, as a new volume is', () => {
  const dir = join(base, 'volume');
  mkdirSync(dir);
  chmodSync(dir, 0o755);
  claimDataDir(dir).release();
  expect(statSync(dir).mode & 0o777).toBe(0o700);
});

test('leaves a directory alone that others may enter and that holds something', () => {
  const dir = join(base, 'shared');
  mkdirSync(dir);
  writeFileSync(join(dir, 'theirs'), '');
  chmodSync(dir, 0o777);
  expect(() => claimDataDir(dir)).toThrow(/chmod 700/);
  expect(statSync(dir).mode & 0o777).toBe(0o777);
});

test('names the directory that cannot be made', () => {
  writeFileSync(join(base, 'file'), '');
  const dir = join(base, 'file', 'data');
  const fault = faultOf(() => claimDataDir(dir));
  expect(fault).toMatchObject({ code: 'data-dir-unusable', message: expect.stringContaining(dir) as string });
});

test('a second claim in the same process is refused until the first is given back', () => {
  const first = claimDataDir(base);
  expect(faultOf(() => claimDataDir(base))).toMatchObject({ code: 'data-dir-in-use' });
  first.release();
  const second = claimDataDir(base);
  second.release();
});

test('a directory in use names the process and host that hold it, and is free when that process is killed', async () => {
  holder = await startHolder(base);
  const named = `process ${String(holder.pid)} on ${hostname()}`;
  expect(() => claimDataDir(base)).toThrow(named);
  // A refused claim must not have taken the lock from the other.
  expect(() => claimDataDir(base)).toThrow(named);
  await kill(holder);
  claimDataDir(base).release();
});

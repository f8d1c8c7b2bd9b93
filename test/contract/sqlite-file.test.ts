import { jest } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { DatabaseSync } from 'node:sqlite';
import { openSqliteBackend } from '../../src/store/sqlite/store.ts';
import { openThings, thingSpecs, type OpenThings } from '../support/things.ts';

// Real files and processes on a machine that may be busy.
jest.setTimeout(120_000);

/** What only a store in a file can show: what is left after a kill, a damage, a reopening. */
let dir: string;
let path: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'rw-sqlite-'));
  path = join(dir, 'things.db');
});
afterEach(() => {
  rmSync(dir, { recursive: true });
});

async function open(): Promise<OpenThings> {
  return openThings(await openSqliteBackend({ path, specs: thingSpecs }));
}

/** Lets a process write until so many writes were acknowledged, kills it, and answers the newest version of each id. */
async function writeAndKill(acknowledged: number): Promise<Map<string, number>> {
  const program = join(import.meta.dirname, 'write-until-killed.ts');
  const child = spawn(process.execPath, [program, path], { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = once(child, 'exit');
  const versions = new Map<string, number>();
  let lines = 0;
  for await (const line of createInterface({ input: child.stdout })) {
    const [id, version] = line.split(' ');
    // The last line may be cut off by the kill.
    if (id?.length === 24 && version) versions.set(id, Math.max(Number(version), versions.get(id) ?? 0));
    lines += 1;
    if (lines === acknowledged) child.kill('SIGKILL');
  }
  await ended;
  return versions;
}

test('after SIGKILL in the midst of writes, everything acknowledged is there, five times over', async () => {
  for (const acknowledged of [1, 40, 111, 250, 600]) {
    const versions = await writeAndKill(acknowledged);
    expect(versions.size).toBeGreaterThan(0);
    const { things, close } = await open();
    const lost: string[] = [];
    for (const [id, version] of versions) {
      if (((await things.get(id))?.version ?? 0) < version) lost.push(id);
    }
    expect(lost).toStrictEqual([]);
    // Documents and what they are found by were written together.
    const inserted = await things.find({ where: { labels: 'red' }, limit: 10_000 });
    expect(inserted.items.length).toBe(await things.count({ rank: null }));
    await close();
  }
});

test('a store that is opened again has what it had', async () => {
  const first = await open();
  const result = await first.things.insert({ key: 'a', labels: ['x'] });
  await first.close();
  const second = await open();
  expect((await second.things.find({ where: { labels: 'x' } })).items).toStrictEqual(result.ok && [result.document]);
  await second.close();
});

/** Overwrites bytes of the database file. */
function damage(position: number, length: number): void {
  const file = openSync(path, 'r+');
  writeSync(file, new Uint8Array(length).fill(0xa5), 0, length, position);
  closeSync(file);
}

test.each([
  [
    'is no database',
    () => {
      writeFileSync(path, 'Dear diary, '.repeat(1000));
    },
  ],
  [
    'has a damaged header',
    () => {
      damage(0, 100);
    },
  ],
  [
    'has a damaged page',
    () => {
      damage(4096, 3000);
    },
  ],
])('a file that %s is named, with what to do', async (_, spoil) => {
  const { things, close } = await open();
  await things.insert({ key: 'a', free: 'x'.repeat(20_000) });
  await close();
  spoil();
  const fault = await open().catch((error: unknown) => error);
  expect(fault).toMatchObject({ code: 'store-corrupt', retryable: false });
  expect(String(fault)).toContain(path);
  expect(String(fault)).toContain('restore a backup');
});

test('a directory that is missing is named', async () => {
  path = join(dir, 'missing', 'things.db');
  await expect(open()).rejects.toMatchObject({ code: 'store-open' });
});

test('a file of a newer layout is refused', async () => {
  await (await open()).close();
  const db = new DatabaseSync(path);
  db.exec('PRAGMA user_version = 99');
  db.close();
  await expect(open()).rejects.toMatchObject({ code: 'store-newer' });
});

test('while a commit waits for the disk, the main thread goes on, and so do reads', async () => {
  const { things, close } = await open();
  const before = await things.insert({ key: 'before' });
  // A second connection with the write lock stands for a disk that takes its time.
  const other = new DatabaseSync(path);
  other.exec('BEGIN IMMEDIATE');
  let settled = false;
  const write = things.insert({ key: 'during' }).then((result) => {
    settled = true;
    return result.ok;
  });
  for (let turn = 0; turn < 20; turn += 1) await new Promise(setImmediate);
  expect((await things.find({})).items).toStrictEqual(before.ok && [before.document]);
  expect(settled).toBe(false);
  other.exec('ROLLBACK');
  other.close();
  expect(await write).toBe(true);
  expect(await things.count()).toBe(2);
  await close();
});

test('a write that the file does not take fails with the reason, and later ones succeed', async () => {
  const { things, close } = await open();
  await things.insert({ key: 'a' });
  const other = new DatabaseSync(path);
  other.exec(`CREATE TRIGGER "full" BEFORE INSERT ON "things" WHEN NEW."key" = 'bad'
    BEGIN SELECT RAISE(ROLLBACK, 'no more'); END`);
  const results = await Promise.allSettled(['x', 'bad', 'y'].map((key) => things.insert({ key })));
  expect(results.map((result) => result.status)).toStrictEqual(['fulfilled', 'rejected', 'fulfilled']);
  expect(results[1]).toMatchObject({
    reason: { code: 'store', message: expect.stringContaining('no more') as string },
  });
  other.exec('DROP TRIGGER "full"');
  other.close();
  expect(await things.insert({ key: 'bad' })).toMatchObject({ ok: true });
  expect(await things.count()).toBe(4);
  await close();
});

import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { receive, type ReceiveJob } from '../../src/images/receive.ts';

let directory: string;
let path: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'rackwright-receive-'));
  path = join(directory, 'part');
  await writeFile(path, '');
});
afterEach(() => rm(directory, { recursive: true }));

const job = (changes: Partial<ReceiveJob> = {}): ReceiveJob => ({
  path,
  offset: 0,
  most: 100,
  room: () => Promise.resolve(1000),
  onBytes: () => undefined,
  ...changes,
});

async function* chunks(...texts: (string | Error)[]): AsyncGenerator<Buffer> {
  for (const text of texts) {
    await Promise.resolve();
    if (text instanceof Error) throw text;
    yield Buffer.from(text);
  }
}

test('what comes is there, and counted', async () => {
  const counts: number[] = [];
  const received = await receive(chunks('abc', '', 'de'), job({ onBytes: (bytes) => counts.push(bytes) }));
  expect(received).toEqual({ bytes: 5, end: 'whole' });
  expect(counts).toEqual([3, 3, 5]);
  expect(await readFile(path, 'utf8')).toBe('abcde');
});

test('it goes on where it is told, and what was there beyond is gone', async () => {
  await writeFile(path, 'abcXXXXXXXX');
  expect(await receive(chunks('de'), job({ offset: 3 }))).toEqual({ bytes: 5, end: 'whole' });
  expect(await readFile(path, 'utf8')).toBe('abcde');
});

test('a stream that breaks leaves what came before', async () => {
  expect(await receive(chunks('abc', new Error('reset')), job())).toEqual({ bytes: 3, end: 'broken' });
  expect(await readFile(path, 'utf8')).toBe('abc');
});

test('more than there may be is not written', async () => {
  expect(await receive(chunks('abc', 'def'), job({ most: 5 }))).toEqual({ bytes: 3, end: 'too-long' });
  expect(await readFile(path, 'utf8')).toBe('abc');
});

test('without room nothing is read', async () => {
  const untouched = chunks('abc');
  expect(await receive(untouched, job({ room: () => Promise.resolve(0) }))).toEqual({ bytes: 0, end: 'no-space' });
  expect(await untouched.next()).toEqual({ done: false, value: Buffer.from('abc') });
});

test("a disk that fails is our fault, not the sender's", async () => {
  await expect(receive(chunks('abc'), job({ path: join(directory, 'none') }))).rejects.toThrow('ENOENT');
});

import { mkdtemp, rm, symlink, truncate, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createFileOpener } from '../../src/tftp/root.ts';
import { toNetascii } from '../../src/tftp/netascii.ts';

const peer = { address: '192.0.2.1', port: 2000 };
let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'rw-tftp-'));
});
afterEach(() => rm(directory, { recursive: true }));

test.each([
  ['loader', { kind: 'file', bytes: Buffer.from('loader') }],
  ['/loader', { kind: 'file', bytes: Buffer.from('loader') }],
  ['none', { kind: 'refused', code: 1 }],
  ['', { kind: 'refused', code: 1 }],
  ['../loader', { kind: 'refused', code: 2 }],
  ['passwd', { kind: 'refused', code: 2 }],
  ['\\loader', { kind: 'refused', code: 2 }],
])('%s', async (name, opened) => {
  await writeFile(join(directory, 'loader'), 'loader');
  await symlink('/etc/passwd', join(directory, 'passwd'));
  expect(await createFileOpener(directory)(name, peer)).toMatchObject(opened);
});

test('by a table only what is listed is served, from wherever it is', async () => {
  await writeFile(join(directory, 'shimx64.efi.signed'), 'shim');
  const open = createFileOpener({ 'shimx64.efi': join(directory, 'shimx64.efi.signed') });
  expect(await open('//shimx64.efi', peer)).toMatchObject({ kind: 'file', bytes: Buffer.from('shim') });
  for (const name of ['shimx64.efi.signed', 'toString', '__proto__', '']) {
    expect(await open(name, peer)).toMatchObject({ kind: 'refused', code: 1 });
  }
});

test('a file is read once, until it changes', async () => {
  const path = join(directory, 'loader');
  const open = createFileOpener(directory);
  const bytes = async () => ((await open('loader', peer)) as { bytes: Uint8Array }).bytes;
  await writeFile(path, 'first');
  const [one, two] = await Promise.all([bytes(), bytes()]);
  expect(one).toBe(two);
  expect(await bytes()).toBe(one);
  await writeFile(path, 'other');
  await utimes(path, 1, 1);
  expect(Buffer.from(await bytes()).toString()).toBe('other');
});

test('what does not fit into memory pushes out the oldest, but a file in use is never there twice', async () => {
  for (const name of ['a', 'b', 'c']) await writeFile(join(directory, name), name.repeat(10));
  const open = createFileOpener(directory, { cacheBytes: 20 });
  const a = await open('a', peer);
  await open('b', peer);
  await open('c', peer);
  expect(((await open('a', peer)) as { bytes: Uint8Array }).bytes).toBe((a as { bytes: Uint8Array }).bytes);
});

test('a file too large for TFTP is refused with advice', async () => {
  await writeFile(join(directory, 'image'), '');
  await truncate(join(directory, 'image'), 257 << 20);
  expect(await createFileOpener(directory)('image', peer)).toEqual({
    kind: 'refused',
    code: 0,
    message: 'the file is too large for TFTP; fetch it by HTTP',
  });
});

test.each([
  ['', ''],
  ['plain', 'plain'],
  ['one\ntwo\n', 'one\r\ntwo\r\n'],
  ['\r\n', '\r\0\r\n'],
])('netascii of %j is %j', (text, converted) => {
  expect(Buffer.from(toNetascii(Buffer.from(text))).toString()).toBe(converted);
});

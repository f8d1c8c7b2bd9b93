import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findInRoot } from '../../src/net/strict-root.ts';

let directory: string;
let root: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'rw-root-'));
  root = join(directory, 'root');
  await mkdir(join(root, 'grub'), { recursive: true });
  await writeFile(join(root, 'undionly.kpxe'), 'loader');
  await writeFile(join(root, 'grub', 'grub.cfg'), 'config');
  await writeFile(join(root, '..foo'), 'two dots');
  await writeFile(join(root, 'grün'), 'umlaut');
  await mkdir(join(directory, 'root-private'));
  await writeFile(join(directory, 'root-private', 'key'), 'secret');
  await writeFile(join(directory, 'secret'), 'secret');
  await symlink('grub/grub.cfg', join(root, 'inside'));
  await symlink(join(directory, 'secret'), join(root, 'leaves'));
  await symlink('..', join(root, 'up'));
  await symlink('../root-private/key', join(root, 'neighbour'));
  await symlink('nowhere', join(root, 'dangling'));
  await symlink('loop', join(root, 'loop'));
  await symlink(root, join(directory, 'root-by-link'));
});
afterAll(() => rm(directory, { recursive: true }));

test.each([
  ['undionly.kpxe', 6],
  ['/undionly.kpxe', 6],
  ['//undionly.kpxe', 6],
  ['./grub//grub.cfg', 6],
  ['inside', 6],
  ['..foo', 8],
  ['grün', 6],
])('%s is a file of %d bytes', async (name, size) => {
  expect(await findInRoot(root, name)).toMatchObject({ kind: 'file', size });
});

test.each(['', '/', '.', 'grub', 'none', 'undionly.kpxe/x', 'dangling', 'loop', 'x'.repeat(5000), 'a/'.repeat(4000)])(
  '%# is missing',
  async (name) => {
    expect(await findInRoot(root, name)).toEqual({ kind: 'missing' });
  },
);

test.each([
  '..',
  '../secret',
  '/../secret',
  'grub/../../secret',
  'grub/../undionly.kpxe',
  '..\\secret',
  '\\undionly.kpxe',
  'undionly.kpxe\0.txt',
  'a\nb',
  'leaves',
  'up',
  'up/secret',
  'neighbour',
])('%j is outside', async (name) => {
  expect(await findInRoot(root, name)).toEqual({ kind: 'outside' });
});

test('the root itself may be a link, or not there at all', async () => {
  expect(await findInRoot(join(directory, 'root-by-link'), 'undionly.kpxe')).toMatchObject({ kind: 'file' });
  expect(await findInRoot(join(directory, 'none'), 'undionly.kpxe')).toEqual({ kind: 'missing' });
});

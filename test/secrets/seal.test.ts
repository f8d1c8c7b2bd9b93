import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { openKeyring, rotateKeyring } from '../../src/secrets/keyring.ts';
import { createSealer, isSealed, sealerOf } from '../../src/secrets/seal.ts';

const now = new Date('2026-01-02T03:04:05.678Z');
let folder = '';
let file = '';

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rwt-secrets-'));
  file = join(folder, 'keys', 'secret-keys.json');
});
afterEach(async () => {
  await rm(folder, { recursive: true });
});

test('what was sealed is opened, and looks like nothing it was', async () => {
  const sealer = await createSealer(file, now);
  fc.assert(
    fc.property(fc.string(), (plain) => {
      const sealed = sealer.seal(plain);
      expect(sealed).toMatch(/^sealed:v1:[0-9a-f]{8}:/);
      expect(isSealed(sealed)).toBe(true);
      expect(sealer.open(sealed)).toBe(plain.toWellFormed());
    }),
  );
  expect(sealer.seal('same')).not.toBe(sealer.seal('same'));
});

test('the key file is made once, for its owner only, and read again', async () => {
  const first = await createSealer(file, now);
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  const second = await createSealer(file, now);
  expect(second.open(first.seal('secret'))).toBe('secret');
  expect(await readdir(join(folder, 'keys'))).toEqual(['secret-keys.json']);
});

test('servers that start at once end up with one key', async () => {
  const rings = await Promise.all(Array.from({ length: 8 }, () => openKeyring(file, now)));
  expect(new Set(rings.map((ring) => ring.keys[0]?.id)).size).toBe(1);
  expect(await readdir(join(folder, 'keys'))).toEqual(['secret-keys.json']);
});

test('after a rotation the new key seals and the old one still opens', async () => {
  const old = (await createSealer(file, now)).seal('old secret');
  const ring = await rotateKeyring(file, now);
  expect(ring.keys).toHaveLength(2);
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  const sealer = await createSealer(file, now);
  expect(sealer.open(old)).toBe('old secret');
  const renewed = sealer.reseal(old);
  expect(renewed).toContain(`sealed:v1:${ring.keys[1]?.id ?? ''}:`);
  expect(sealer.open(renewed)).toBe('old secret');
  expect(sealer.reseal(renewed)).toBe(renewed);
});

test('a missing key is named, with what to do', async () => {
  const sealed = (await createSealer(file, now)).seal('x');
  await rm(file);
  const other = await createSealer(file, now);
  expect(() => other.open(sealed)).toThrow(/sealed with key [0-9a-f]{8}, which is not in .*restore that file/);
});

test.each(['', 'plain', 'sealed:v1:00000000:', 'sealed:v1:00000000:AAAA', 'sealed:v2:00000000:AAAA'])(
  'opening %p fails in words',
  async (text) => {
    const sealer = await createSealer(file, now);
    expect(() => sealer.open(text)).toThrow('this is no sealed secret');
  },
);

test('any altered byte is noticed', async () => {
  const ring = await openKeyring(file, now);
  const sealer = sealerOf(ring);
  const sealed = sealer.seal('a secret of some length');
  const prefix = sealed.slice(0, sealed.lastIndexOf(':') + 1);
  const bytes = Buffer.from(sealed.slice(prefix.length), 'base64');
  fc.assert(
    fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
      const altered = Buffer.from(bytes);
      altered[at] = (altered[at] ?? 0) ^ flip;
      expect(() => sealer.open(prefix + altered.toString('base64'))).toThrow('altered');
    }),
  );
});

test('a key file that others can read is refused, and says what to run', async () => {
  await createSealer(file, now);
  await chmod(file, 0o644);
  await expect(createSealer(file, now)).rejects.toThrow(`run chmod 600 ${file}`);
});

test.each(['', '{}', '{"keys":[]}', '{"keys":[{"id":"0011aabb","createdAt":"now","key":"c2hvcnQ="}]}'])(
  'a key file that holds %p is refused and left as it is',
  async (content) => {
    await createSealer(file, now);
    await writeFile(file, content);
    await expect(createSealer(file, now)).rejects.toThrow('is not a key file');
    expect(await readFile(file, 'utf8')).toBe(content);
  },
);

test('a place that cannot be written is told', async () => {
  await writeFile(join(folder, 'keys'), 'a file, not a folder');
  await expect(createSealer(file, now)).rejects.toThrow(/secret-keys\.json/);
});

import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Inspection, InspectionJob } from '../../src/images/inspect.ts';
import { createInspector } from '../../src/images/inspector.ts';
import { diskImage } from '../support/disk-image.ts';

/** Real images by the programs that people make them with: zstd, gzip, xz-utils, qemu-utils. */

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'rackwright-inspection-'));
  await mkdir(join(directory, 'work'));
});
afterEach(() => rm(directory, { recursive: true }));

const never = new AbortController().signal;
const disk = diskImage();
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

async function inspect(bytes: Uint8Array, job: Partial<InspectionJob> = {}): Promise<Inspection> {
  const path = join(directory, 'part');
  await writeFile(path, bytes);
  return createInspector()({ path, directory: join(directory, 'work'), ...job }, never, () => undefined);
}

function pack(program: string, args: readonly string[], input: Uint8Array): Buffer {
  return execFileSync(program, args, { input, maxBuffer: 1 << 28 });
}

const packings = [
  ['raw.zst', 'zstd', ['-c']],
  ['raw.gz', 'gzip', ['-c']],
  ['raw.xz', 'xz', ['-c', '-0']],
] as const;

const halves = [disk.subarray(0, 1_500_000), disk.subarray(1_500_000)];

test('a raw disk is kept as it is', async () => {
  expect(await inspect(disk)).toEqual({
    ok: true,
    image: {
      path: join(directory, 'part'),
      format: 'raw',
      sha256: sha256(disk),
      sizeBytes: disk.length,
      rawBytes: disk.length,
      rawSha256: sha256(disk),
      bootModes: ['bios', 'uefi'],
    },
  });
});

test.each(packings)('%s is kept packed, and known unpacked', async (format, program, args) => {
  const packed = pack(program, args, disk);
  expect(await inspect(packed)).toMatchObject({
    ok: true,
    image: { format, sha256: sha256(packed), sizeBytes: packed.length, rawBytes: disk.length, rawSha256: sha256(disk) },
  });
});

test.each(packings)('%s of several streams one after the other is read to its end', async (format, program, args) => {
  const packed = Buffer.concat(halves.map((half) => pack(program, args, half)));
  expect(await inspect(packed)).toMatchObject({
    ok: true,
    image: { format, rawBytes: disk.length, rawSha256: sha256(disk) },
  });
});

test.each(packings)('%s that was cut off is refused', async (_format, program, args) => {
  const packed = pack(program, args, disk);
  const cut = await inspect(packed.subarray(0, packed.length - 1000));
  expect(cut).toMatchObject({
    ok: false,
    refusal: { reason: 'damaged', message: expect.stringContaining('not a whole') as string },
  });
});

test.each(packings)('%s with something behind it is refused', async (_format, program, args) => {
  const packed = pack(program, args, disk);
  expect(await inspect(Buffer.concat([packed, Buffer.from('something else that is here')]))).toMatchObject({
    ok: false,
    refusal: { reason: 'damaged' },
  });
});

test('qcow2 is converted, and kept as raw.zst', async () => {
  const path = join(directory, 'disk.raw');
  await writeFile(path, disk);
  execFileSync('qemu-img', ['convert', '-O', 'qcow2', '-c', path, join(directory, 'disk.qcow2')]);
  const inspection = await inspect(await readFile(join(directory, 'disk.qcow2')));
  expect(inspection).toMatchObject({
    ok: true,
    image: { format: 'raw.zst', rawBytes: disk.length, rawSha256: sha256(disk), bootModes: ['bios', 'uefi'] },
  });
  const kept = inspection.ok ? await readFile(inspection.image.path) : Buffer.alloc(0);
  expect(inspection).toMatchObject({ image: { sha256: sha256(kept), sizeBytes: kept.length } });
  expect(pack('zstd', ['-dc'], kept).equals(disk)).toBe(true);
  expect(await readdir(join(directory, 'work'))).toEqual(['packed']);
});

test('qcow2 that builds on another file is refused before any program reads it', async () => {
  const base = join(directory, 'base.raw');
  await writeFile(base, disk);
  execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', '-b', base, '-F', 'raw', join(directory, 'top.qcow2')]);
  expect(await inspect(await readFile(join(directory, 'top.qcow2')))).toMatchObject({
    ok: false,
    refusal: { reason: 'unfit', message: expect.stringContaining('backing file') as string },
  });
});

test.each([70_000, 1_000_000, -200_000])('qcow2 that was cut off at %i is refused', async (at) => {
  const path = join(directory, 'disk.raw');
  await writeFile(path, disk);
  execFileSync('qemu-img', ['convert', '-O', 'qcow2', path, join(directory, 'disk.qcow2')]);
  const whole = await readFile(join(directory, 'disk.qcow2'));
  const cut = await inspect(whole.subarray(0, at));
  expect(cut).toMatchObject({ ok: false, refusal: { reason: 'damaged' } });
});

test.each(packings)('%s that unpacks to far more than a disk could is stopped', async (_format, program, args) => {
  const zeros = pack(program, args, Buffer.alloc(32 * 1024 * 1024));
  expect(await inspect(zeros, { alwaysRawBytes: 1024 * 1024 })).toMatchObject({
    ok: false,
    refusal: { reason: 'too-large', message: expect.stringContaining('unpacks to more than') as string },
  });
});

test('qcow2 that says to be far larger than it is is refused', async () => {
  const path = join(directory, 'disk.qcow2');
  execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', path, '17G']);
  expect(await inspect(await readFile(path))).toMatchObject({ ok: false, refusal: { reason: 'unfit' } });
});

test.each<[string, Uint8Array, string]>([
  ['nothing', Buffer.alloc(0), 'empty'],
  ['a web page', Buffer.from('<!DOCTYPE html><html>404</html>'), 'a web page'],
  ['text', Buffer.from('a text\n'.repeat(1024)), 'not a disk image'],
  ['a disk that lost bytes', disk.filter((byte) => byte !== 0x0a), 'not whole sectors'],
  ['a disk that lost its end', disk.subarray(0, 1024 * 1024), 'cut off'],
  ['a disk without anything to start', diskImage({ bootCode: false, partitions: [] }), 'Nothing in it can be started'],
  [
    'a packed tar archive',
    pack('gzip', ['-c'], Buffer.concat([Buffer.alloc(257), Buffer.from('ustar'), Buffer.alloc(5000)])),
    'a tar archive',
  ],
  ['a disk packed twice', pack('gzip', ['-c'], pack('gzip', ['-c'], disk)), 'once more (gzip)'],
])('%s is refused in words', async (_what, bytes, words) => {
  expect(await inspect(bytes)).toMatchObject({
    ok: false,
    refusal: { message: expect.stringContaining(words) as string },
  });
});

test('how it starts can be said, where nobody can see it', async () => {
  const odd = diskImage({ bootCode: false, partitions: [] });
  expect(await inspect(odd, { bootModes: ['uefi'] })).toMatchObject({ ok: true, image: { bootModes: ['uefi'] } });
});

test('another checksum than was said is refused', async () => {
  expect(await inspect(disk, { sha256: 'ab'.repeat(32) })).toMatchObject({
    ok: false,
    refusal: { reason: 'damaged', message: expect.stringContaining(`not ${'ab'.repeat(32)}`) as string },
  });
});

test('it stops when it is told to, and leaves no program behind', async () => {
  const zeros = pack('sh', ['-c', 'head -c 4G /dev/zero | zstd -c -1 -T2'], Buffer.alloc(0));
  const path = join(directory, 'part');
  await writeFile(path, zeros);
  const stop = new AbortController();
  const inspection = createInspector()({ path, directory: join(directory, 'work') }, stop.signal, ({ step }) => {
    if (step === 'unpacking') stop.abort();
  });
  await expect(inspection).rejects.toThrow('abort');
  const left = execFileSync('sh', ['-c', `grep -lsa '${directory}' /proc/[0-9]*/environ || true`]).toString();
  expect(left).toBe('');
});

test('it ends at its deadline', async () => {
  const path = join(directory, 'part');
  await writeFile(path, pack('gzip', ['-c'], disk));
  const inspection = await createInspector(1)({ path, directory: join(directory, 'work') }, never, () => undefined);
  expect(inspection).toMatchObject({ ok: false, refusal: { reason: 'too-large' } });
});

import fc from 'fast-check';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { detectKind } from '../../src/images/format.ts';
import { diskImage } from '../support/disk-image.ts';

const bytes = (text: string): Buffer => Buffer.from(text, 'latin1');

test.each([
  ['zstd', zstdCompressSync(diskImage())],
  ['gzip', gzipSync(diskImage())],
  ['xz', bytes('\xfd7zXZ\0\0\x04')],
])('%s is told by its first bytes', (packing, head) => {
  expect(detectKind(head)).toEqual({ kind: 'packed', packing });
});

test.each([
  ['a web page', bytes('\n <!DOCTYPE html>\n<html>')],
  ['a web page', bytes('<HTML><head>')],
  ['a tar archive', Buffer.concat([Buffer.alloc(257), bytes('ustar')])],
  ['a VMDK image', bytes('KDMV\x01')],
  ['compressed with bzip2', bytes('BZh91AY')],
  ['a zip archive', bytes('PK\x03\x04')],
])('%s is known, and not taken', (what, head) => {
  expect(detectKind(head)).toMatchObject({ kind: 'foreign', what });
});

test('qcow2 is told; a disk is raw, and so is what nobody knows', () => {
  expect(detectKind(bytes('QFI\xfb'))).toEqual({ kind: 'qcow2' });
  expect(detectKind(diskImage())).toEqual({ kind: 'raw' });
  expect(detectKind(Buffer.alloc(0))).toEqual({ kind: 'raw' });
});

test('whatever comes, it is of some kind', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (head) => {
      expect(['raw', 'packed', 'qcow2', 'foreign']).toContain(detectKind(head).kind);
    }),
  );
});

import fc from 'fast-check';
import { readQcow2Header } from '../../src/images/qcow2.ts';

const gib = 1024 ** 3;

interface Fields {
  version?: number;
  backing?: bigint;
  clusterBits?: number;
  size?: bigint;
  crypt?: number;
  l1?: number;
  incompatible?: bigint;
  headerLength?: number;
}

function header(fields: Fields = {}): Buffer {
  const head = Buffer.alloc(104);
  head.write('QFI\xfb', 0, 'latin1');
  head.writeUInt32BE(fields.version ?? 3, 4);
  head.writeBigUInt64BE(fields.backing ?? 0n, 8);
  head.writeUInt32BE(fields.clusterBits ?? 16, 20);
  head.writeBigUInt64BE(fields.size ?? 2n * BigInt(gib), 24);
  head.writeUInt32BE(fields.crypt ?? 0, 32);
  head.writeUInt32BE(fields.l1 ?? 4, 36);
  head.writeBigUInt64BE(fields.incompatible ?? 0n, 72);
  head.writeUInt32BE(fields.headerLength ?? 104, 100);
  return head;
}

test.each<[string, Fields]>([
  ['version 3', {}],
  ['version 2', { version: 2, incompatible: 0xffn, headerLength: 1 }],
  ['one that was not closed', { incompatible: 1n }],
  ['zstd clusters and extended L2 entries', { incompatible: 0x18n }],
])('takes %s', (_what, fields) => {
  expect(readQcow2Header(header(fields), 4 * gib)).toEqual({ ok: true, virtualBytes: 2 * gib });
});

test.each<[string, Fields, RegExp]>([
  ['version 4', { version: 4 }, /version is 4/],
  ['a backing file', { backing: 104n }, /backing file/],
  ['encryption', { crypt: 2 }, /encrypted/],
  ['an external data file', { incompatible: 4n }, /external data file/],
  ['corruption', { incompatible: 2n }, /corrupt/],
  ['an unknown feature', { incompatible: 0x20n }, /not known \(20\)/],
  ['too large a disk', { size: 5n * BigInt(gib), l1: 100 }, /at most 4294967296/],
  ['the largest disk', { size: 0xffff_ffff_ffff_ffffn }, /at most/],
  ['no disk', { size: 0n }, /no bytes/],
  ['absurd clusters', { clusterBits: 40 }, /2\^40/],
  ['a table that is too small', { l1: 3 }, /too small/],
  ['a header that is too short', { headerLength: 72 }, /72 bytes/],
])('refuses %s', (_what, fields, why) => {
  expect(readQcow2Header(header(fields), 4 * gib)).toEqual({ ok: false, why: expect.stringMatching(why) as string });
});

test('refuses a header that is cut off', () => {
  expect(readQcow2Header(header().subarray(0, 103), gib)).toMatchObject({ ok: false });
});

test('whatever comes, what is taken builds on nothing and is no larger than allowed', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(103), fc.nat(255)), { maxLength: 12 }), (changes) => {
      const head = header();
      for (const [at, byte] of changes) head.writeUInt8(byte, at);
      const read = readQcow2Header(head, 4 * gib);
      if (!read.ok) return;
      expect(head.readBigUInt64BE(8)).toBe(0n);
      expect(read.virtualBytes).toBeGreaterThan(0);
      expect(read.virtualBytes).toBeLessThanOrEqual(4 * gib);
    }),
  );
});

import fc from 'fast-check';
import { readLayout } from '../../src/images/disk-layout.ts';
import { diskImage, guids, type DiskOptions } from '../support/disk-image.ts';

const mib = 1024 * 1024;

test.each<[string, DiskOptions, { table: string; bootModes: string[]; needsBytes: number }]>([
  ['a GPT with both', {}, { table: 'gpt', bootModes: ['bios', 'uefi'], needsBytes: 2 * mib }],
  ['a GPT without boot code', { bootCode: false }, { table: 'gpt', bootModes: ['uefi'], needsBytes: 2 * mib }],
  [
    'a GPT with a BIOS boot partition',
    { bootCode: false, partitions: [guids.linux, guids.biosBoot] },
    { table: 'gpt', bootModes: ['bios'], needsBytes: 2 * mib },
  ],
  [
    'a GPT with data only',
    { bootCode: false, partitions: [guids.linux] },
    { table: 'gpt', bootModes: [], needsBytes: 2 * mib },
  ],
  [
    'a GPT of 4096-byte sectors',
    { sector: 4096, bootCode: false },
    { table: 'gpt', bootModes: ['uefi'], needsBytes: 2 * mib },
  ],
  ['an MBR', { table: 'mbr' }, { table: 'mbr', bootModes: ['bios'], needsBytes: 2 * mib }],
  [
    'an MBR with an EFI system partition',
    { table: 'mbr', partitions: [0xef, 0x83], bootCode: false },
    { table: 'mbr', bootModes: ['uefi'], needsBytes: 2 * mib },
  ],
  ['boot code alone', { table: 'none' }, { table: 'none', bootModes: ['bios'], needsBytes: 512 }],
])('reads %s', (_what, options, expected) => {
  expect(readLayout(diskImage(options))).toEqual({ kind: 'disk', ...expected });
});

test.each([
  ['nothing', Buffer.alloc(0)],
  ['zeros', Buffer.alloc(mib)],
  ['text', Buffer.from('It is not here.\n'.repeat(1000))],
  ['a signature and nothing else', Buffer.concat([Buffer.alloc(510), Buffer.from([0x55, 0xaa])])],
  ['less than a sector', diskImage().subarray(0, 511)],
])('%s is no disk', (_what, head) => {
  expect(readLayout(head)).toEqual({ kind: 'none' });
});

test('a table that says more than there is says so', () => {
  const layout = readLayout(diskImage().subarray(0, mib));
  expect(layout).toMatchObject({ kind: 'disk', needsBytes: 2 * mib });
});

test('whatever comes, an answer is given', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(3 * 4096), fc.uint8Array({ minLength: 1, maxLength: 16 })), { maxLength: 20 }),
      fc.nat(3 * 4096),
      (changes, length) => {
        const head = Buffer.from(diskImage({ bytes: 64 * 512, sector: 512 }));
        for (const [at, bytes] of changes) head.set(bytes, Math.min(at, head.length - bytes.length));
        const layout = readLayout(head.subarray(0, length));
        expect(['disk', 'none']).toContain(layout.kind);
        if (layout.kind === 'disk') expect(layout.needsBytes).toBeGreaterThanOrEqual(512);
      },
    ),
  );
});

import fc from 'fast-check';
import { chooseDisk, neededBytes, parseDisks, type Disk } from '../../src/deployment/disks.ts';
import type { DiskHints } from '../../src/model/deployment.ts';

const gb = 1e9;
const disk = (name: string, more: Partial<Disk> = {}): Disk => ({
  name,
  sizeBytes: 480 * gb,
  sectorBytes: 512,
  readOnly: false,
  removable: false,
  rotational: false,
  transport: undefined,
  model: undefined,
  serial: `S-${name}`,
  wwn: `naa.5000c500${name}`,
  path: `pci-0000:00:05.0-${name}`,
  usedBy: undefined,
  ...more,
});
const hdd = disk('sda', { rotational: true, sizeBytes: 4000 * gb });
const ssd = disk('sdb');
const nvme = disk('nvme0n1', { wwn: 'eui.0025385b', sizeBytes: 960 * gb });
const all = [hdd, ssd, nvme];
const needed = 10 * gb;

test('the only disk is taken, without hints', () => {
  expect(chooseDisk([ssd], undefined, needed)).toEqual({
    ok: true,
    disk: {
      id: 'wwn:naa.5000c500sdb',
      name: 'sdb',
      sizeBytes: 480 * gb,
      type: 'ssd',
      serial: 'S-sdb',
      wwn: 'naa.5000c500sdb',
      path: 'pci-0000:00:05.0-sdb',
    },
  });
});

test.each<[DiskHints, string]>([
  [{ serial: 's-SDA' }, 'sda'],
  [{ wwn: '0x5000C500SDB' }, 'sdb'],
  [{ wwn: '0025385b' }, 'nvme0n1'],
  [{ type: 'hdd' }, 'sda'],
  [{ type: 'ssd' }, 'sdb'],
  [{ type: 'nvme' }, 'nvme0n1'],
  [{ path: 'pci-0000:00:05.0-sdb' }, 'sdb'],
  [{ name: 'sda' }, 'sda'],
  [{ minBytes: 2000 * gb }, 'sda'],
  [{ maxBytes: 500 * gb }, 'sdb'],
  [{ minBytes: 500 * gb, maxBytes: 1000 * gb }, 'nvme0n1'],
])('%j is %s', (hints, name) => {
  expect(chooseDisk(all, hints, needed)).toMatchObject({ ok: true, disk: { name } });
});

test.each<[string, Disk[], DiskHints | undefined, string, RegExp]>([
  ['no disk', [], undefined, 'no-disk', /^this machine has no disk to write to$/],
  ['a stick only', [disk('sdz', { removable: true })], undefined, 'no-disk', /there is sdz \(.*\), removable$/],
  ['a USB disk only', [disk('sdz', { transport: 'usb' })], undefined, 'no-disk', /attached by USB$/],
  ['a read-only disk', [disk('sda', { readOnly: true })], undefined, 'no-disk', /read-only$/],
  ['a disk in use', [disk('sda', { usedBy: 'md0' })], undefined, 'no-disk', /in use by md0$/],
  [
    'memory, loops, CDs, floppies',
    ['ram0', 'zram0', 'loop0', 'sr0', 'fd0', 'md0', 'dm-0', 'mmcblk0boot0'].map((name) => disk(name)),
    undefined,
    'no-disk',
    /no disk to write to$/,
  ],
  ['an empty reader', [disk('sda', { sizeBytes: 0 })], undefined, 'no-disk', /no disk to write to$/],
  ['several, no hint', all, undefined, 'several-disks', /^3 disks fit: sda .*serial S-sda.*sdb .*nvme0n1 .*Say which/],
  ['several that fit', all, { minBytes: 500 * gb }, 'several-disks', /^2 disks fit the hints: sda.*nvme0n1/],
  ['none that fits', all, { serial: 'X' }, 'no-match', /^no disk fits the hint serial X; there is sda/],
  ['too small', [ssd], undefined, 'disk-too-small', /too small: 481000000000 bytes are needed, it has 480000000000/],
  ['sectors of 4096 bytes', [disk('sda', { sectorBytes: 4096 })], undefined, 'disk-unfit', /sectors of 4096 bytes/],
])('%s is refused', (_, disks, hints, reason, message) => {
  const bytes = reason === 'disk-too-small' ? 481 * gb : needed;
  expect(chooseDisk(disks, hints, bytes)).toEqual({
    ok: false,
    reason,
    message: expect.stringMatching(message) as string,
  });
});

test.each<[string, Partial<Disk>, string]>([
  ['no WWN', { wwn: undefined }, 'serial:S-sdb'],
  ['the WWN of another', { wwn: hdd.wwn }, 'serial:S-sdb'],
  ['WWN and serial number of another', { wwn: hdd.wwn, serial: hdd.serial }, 'path:pci-0000:00:05.0-sdb'],
  ['nothing but a name', { wwn: undefined, serial: undefined, path: undefined }, 'name:sdb'],
])('a disk with %s is known by what it has alone', (_, more, id) => {
  expect(chooseDisk([hdd, { ...ssd, ...more }], { name: 'sdb' }, needed)).toMatchObject({ ok: true, disk: { id } });
});

test('an image with cloud-init needs room for its seed', () => {
  expect(neededBytes({ rawBytes: 100, cloudInit: false })).toBe(100);
  expect(neededBytes({ rawBytes: 100, cloudInit: true })).toBeGreaterThan(5 * 1024 * 1024);
});

test('what a node prints is read, and made fit to be shown', () => {
  const printed = {
    name: 'sda',
    sizeBytes: 5,
    readOnly: false,
    removable: false,
    rotational: true,
    model: ' A\u001b[31m \n B ',
    serial: '',
  };
  expect(parseDisks(JSON.stringify({ disks: [printed] }))).toEqual({
    ok: true,
    disks: [
      {
        name: 'sda',
        sizeBytes: 5,
        sectorBytes: 512,
        readOnly: false,
        removable: false,
        rotational: true,
        model: 'A [31m B',
        serial: undefined,
      },
    ],
  });
});

test.each([
  ['', /not JSON/],
  ['[]', /not as it should be/],
  ['{"disks":[{"name":"../x"}]}', /disks\.0\.name/],
  ['{"disks":[{"name":"sda","sizeBytes":-1}]}', /disks\.0\.sizeBytes/],
])('%j is refused', (output, message) => {
  expect(parseDisks(output)).toEqual({ ok: false, message: expect.stringMatching(message) as string });
});

const anyDisk = fc.record({
  name: fc.constantFrom('sda', 'sdb', 'nvme0n1', 'vda', 'sr0'),
  sizeBytes: fc.constantFrom(0, 1 * gb, 480 * gb),
  removable: fc.boolean(),
  serial: fc.constantFrom(undefined, 'A', 'B'),
});

test('what is chosen is a fixed disk that fits all hints, is large enough, and is the only such', () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(anyDisk, { selector: ({ name }) => name }),
      fc.record({ serial: fc.constantFrom('A', 'B'), minBytes: fc.constantFrom(0, 2 * gb) }, { requiredKeys: [] }),
      (facts, hints) => {
        const disks = facts.map(({ name, ...more }) => disk(name, more));
        const choice = chooseDisk(disks, hints, needed);
        const fitting = disks.filter(
          ({ name, sizeBytes, removable, serial }) =>
            name !== 'sr0' &&
            !removable &&
            sizeBytes > 0 &&
            sizeBytes >= (hints.minBytes ?? 0) &&
            (hints.serial ?? serial) === serial,
        );
        const only = fitting.length === 1 ? fitting[0] : undefined;
        expect(choice.ok ? choice.disk.name : undefined).toBe(only && only.sizeBytes >= needed ? only.name : undefined);
      },
    ),
  );
});

import { InputError } from '../../src/errors.ts';
import { nodeSpec, parseLabName, parseNodes } from '../../src/lab/options.ts';
import { labPaths } from '../../src/lab/state.ts';

describe('lab options', () => {
  it('reads a list of kinds, each with one virtio disk', () => {
    expect(parseNodes('bios, uefi,bios-ipxe')).toEqual(
      (['bios', 'uefi', 'bios-ipxe'] as const).map((kind) => ({ kind, disks: [{ bus: 'virtio' }] })),
    );
    expect(parseNodes('uefi')).toEqual([nodeSpec('uefi')]);
  });

  it('reads the disks of a node, in their order', () => {
    expect(parseNodes('bios-ipxe:nvme,uefi:scsi=4G+scsi=16G')).toEqual([
      { kind: 'bios-ipxe', disks: [{ bus: 'nvme' }] },
      {
        kind: 'uefi',
        disks: [
          { bus: 'scsi', gib: 4 },
          { bus: 'scsi', gib: 16 },
        ],
      },
    ]);
  });

  it.each([
    ...['', 'bios,', 'efi', 'bios uefi', Array.from({ length: 201 }, () => 'bios').join(',')],
    ...['bios:', 'bios:ide', 'bios:nvme+', 'bios:nvme=0G', 'bios:nvme=4', 'bios:nvme=4M', 'bios:nvme=99999G'],
    `bios:${Array.from({ length: 9 }, () => 'scsi').join('+')}`,
  ])('refuses the nodes %j, and says what a node may be', (text) => {
    expect(() => parseNodes(text)).toThrow(InputError);
    expect(() => parseNodes(text)).toThrow(/bios, bios-ipxe, uefi,.*virtio, nvme, scsi/);
  });

  it.each(['', '../etc', 'A', '-x', 'a'.repeat(21), 'a b'])('refuses the name %j', (text) => {
    expect(() => parseLabName(text)).toThrow(InputError);
  });

  it('keeps every socket’s path short enough, whatever the name', () => {
    const paths = labPaths(parseLabName('a'.repeat(20)));
    expect(`${paths.dir}/nodes/200/qmp.sock`.length).toBeLessThan(108);
    expect(paths.mongodb.length).toBeLessThan(108);
  });
});

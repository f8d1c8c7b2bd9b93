import { nodeIdentity } from '../../src/lab/identity.ts';
import type { DiskBus, NodeKind } from '../../src/lab/options.ts';
import type { Machine } from '../../src/lab/qemu.ts';
import { machineDisks, machineFiles, qemuCommand } from '../../src/lab/qemu.ts';

const files = machineFiles('/lab', 17);
const identity = nodeIdentity(17);
const machine = (kind: NodeKind, buses: readonly DiskBus[] = ['virtio']): Machine => ({
  kind,
  identity,
  memoryMib: 768,
  disks: machineDisks(
    files,
    identity,
    buses.map((bus) => ({ bus, gib: 4 })),
  ),
  bmc: true,
  tap: 'tap17.0',
  files,
});
const device = (command: string[], start: string): string =>
  command.find((word, at) => command[at - 1] === '-device' && word.startsWith(start)) ?? '';

describe('QEMU command line', () => {
  it('never uses KVM, and caps the code cache', () => {
    const command = qemuCommand(machine('bios'), { net0: 1, disk0: 2 });
    expect(command[command.indexOf('-accel') + 1]).toBe('tcg,tb-size=128');
    expect(command.join(' ')).not.toMatch(/kvm/);
  });

  it('gives a BIOS node QEMU’s own boot ROM', () => {
    const nic = device(qemuCommand(machine('bios-ipxe'), { net0: 1, disk0: 2 }), 'e1000e');
    expect(nic).toBe('e1000e,netdev=n0,id=net0,mac=52:54:00:77:11:00,bootindex=1');
  });

  it('leaves a UEFI node to OVMF’s own PXE client, with variables of its own', () => {
    const command = qemuCommand(machine('uefi'), { disk0: 1, net0: 2 });
    expect(device(command, 'virtio-net')).toBe(
      'virtio-net-pci,netdev=n0,id=net0,mac=52:54:00:77:11:00,romfile=,bootindex=2',
    );
    expect(command).toContain('if=pflash,format=raw,file=/lab/nodes/17/vars.fd');
  });

  it('leaves out the index of a device that is not to be booted', () => {
    const command = qemuCommand(machine('bios', ['nvme']), { net0: 1 });
    expect(device(command, 'nvme')).toBe('nvme,drive=d0,id=disk0,serial=LAB00017-D0');
  });

  it('attaches every SCSI disk to one adapter, told apart by serial and name', () => {
    const command = qemuCommand(machine('uefi', ['scsi', 'scsi', 'nvme']), { net0: 1, disk0: 2, disk1: 3, disk2: 4 });
    expect(command.filter((word) => word.startsWith('virtio-scsi-pci'))).toEqual(['virtio-scsi-pci,id=scsi0']);
    expect(command.filter((word) => word.includes('drive=d'))).toEqual([
      'scsi-hd,bus=scsi0.0,scsi-id=0,wwn=0x5525400000001100,drive=d0,id=disk0,serial=LAB00017-D0,bootindex=2',
      'scsi-hd,bus=scsi0.0,scsi-id=1,wwn=0x5525400000001101,drive=d1,id=disk1,serial=LAB00017-D1,bootindex=3',
      'nvme,drive=d2,id=disk2,serial=LAB00017-D2,bootindex=4',
    ]);
    expect(command).toContain('if=none,id=d1,file=/lab/nodes/17/disk1.qcow2,format=qcow2,cache=unsafe,discard=unmap');
  });

  it('leaves out the BMC of a machine that has none', () => {
    const bmcOf = (bmc: boolean) => device(qemuCommand({ ...machine('bios'), bmc }, { net0: 1 }), 'ipmi-bmc-extern');
    expect(bmcOf(true)).toBe('ipmi-bmc-extern,id=bmc0,chardev=ipmi0');
    expect(bmcOf(false)).toBe('');
  });

  it('tells every guest who it is', () => {
    const command = qemuCommand(machine('uefi'), { net0: 1 });
    expect(command[command.indexOf('-uuid') + 1]).toBe('4c414230-0000-4000-8000-000000000011');
    expect(command).toContain(
      'type=1,manufacturer=Lab Systems,product=VirtualNode 1000,version=A0,serial=LAB00017,sku=SKU-1000,family=Lab',
    );
  });
});

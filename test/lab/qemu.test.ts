import { nodeIdentity } from '../../src/lab/identity.ts';
import type { NodeKind } from '../../src/lab/options.ts';
import type { Machine } from '../../src/lab/qemu.ts';
import { machineFiles, qemuCommand } from '../../src/lab/qemu.ts';

const machine = (kind: NodeKind, diskBus: 'virtio' | 'nvme' = 'virtio'): Machine => ({
  kind,
  identity: nodeIdentity(17),
  memoryMib: 768,
  diskBus,
  tap: 'tap17.0',
  files: machineFiles('/lab', 17),
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
    const nic = device(qemuCommand(machine('bios'), { net0: 1, disk0: 2 }), 'e1000e');
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
    const command = qemuCommand(machine('bios', 'nvme'), { net0: 1 });
    expect(device(command, 'nvme')).toBe('nvme,drive=d0,id=disk0,serial=LAB00017-D0');
  });

  it('tells every guest who it is', () => {
    const command = qemuCommand(machine('uefi'), { net0: 1 });
    expect(command[command.indexOf('-uuid') + 1]).toBe('4c414230-0000-4000-8000-000000000011');
    expect(command).toContain(
      'type=1,manufacturer=Lab Systems,product=VirtualNode 1000,version=A0,serial=LAB00017,sku=SKU-1000,family=Lab',
    );
  });
});

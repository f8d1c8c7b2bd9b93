import { join } from 'node:path';
import type { BootIndexes } from './boot-order.ts';
import type { NodeIdentity } from './identity.ts';
import type { DiskBus, DiskSpec, NodeKind } from './options.ts';

/** Debian's package ovmf. The variables file is copied per node: firmware writes to it. */
export const ovmf = {
  code: '/usr/share/OVMF/OVMF_CODE_4M.fd',
  variables: '/usr/share/OVMF/OVMF_VARS_4M.fd',
} as const;

/** A virtual server as it is built; what it is doing is `node.ts`. */
export interface Machine {
  readonly kind: NodeKind;
  readonly identity: NodeIdentity;
  readonly memoryMib: number;
  readonly disks: readonly MachineDisk[];
  readonly bmc: boolean;
  readonly tap: string;
  readonly files: MachineFiles;
}

export interface MachineDisk {
  readonly bus: DiskBus;
  readonly gib: number;
  readonly serial: string;
  /** World wide name (NAA, hex without 0x); SCSI disks alone have one. */
  readonly wwn?: string;
  /** Path of the qcow2 file. */
  readonly file: string;
}

export interface MachineFiles {
  readonly dir: string;
  readonly monitor: string;
  readonly serialLog: string;
  readonly variables: string;
  readonly qemuLog: string;
}

export function machineFiles(labDir: string, number: number): MachineFiles {
  const dir = join(labDir, 'nodes', number.toString());
  return {
    dir,
    monitor: join(dir, 'qmp.sock'),
    serialLog: join(dir, 'serial.log'),
    variables: join(dir, 'vars.fd'),
    qemuLog: join(dir, 'qemu.log'),
  };
}

/**
 * The command line that powers the machine on. TCG always: /dev/kvm may open and still run no guest, and a stock kernel
 * is up in seconds without it. tb-size caps the code cache, which would be 1 GiB a machine. `graphics=off` sends
 * SeaBIOS's and iPXE's screen to the serial line.
 */
export function qemuCommand(machine: Machine, boot: BootIndexes): string[] {
  const { identity, files } = machine;
  return [
    'qemu-system-x86_64',
    ...['-name', `node${identity.number}`, '-uuid', identity.uuid],
    ...['-machine', 'q35,graphics=off', '-accel', 'tcg,tb-size=128', '-cpu', 'max'],
    ...['-m', machine.memoryMib.toString(), '-smp', '1'],
    // Where no device booted, servers begin again with the first, as SeaBIOS does everywhere but in QEMU. Milliseconds.
    ...['-boot', 'reboot-timeout=60000'],
    ...['-nodefaults', '-no-user-config', '-display', 'none'],
    ...firmware(machine),
    ...nic(machine, boot.net0),
    ...disks(machine, boot),
    ...smbios(machine),
    ...bmcInterface(machine),
    // A socket, so that serial-over-LAN can attach, that is logged as well.
    ...[
      '-chardev',
      `socket,id=ser0,host=127.0.0.1,port=${identity.serialPort},server=on,wait=off,logfile=${files.serialLog},logappend=on`,
      '-serial',
      'chardev:ser0',
    ],
    // No guest should wait for entropy.
    ...['-device', 'virtio-rng-pci'],
    ...['-qmp', `unix:${files.monitor},server=on,wait=off`],
  ];
}

function isUefi(machine: Machine): boolean {
  return machine.kind === 'uefi';
}

function firmware(machine: Machine): string[] {
  if (!isUefi(machine)) return [];
  return [
    ...['-drive', `if=pflash,format=raw,readonly=on,file=${ovmf.code}`],
    ...['-drive', `if=pflash,format=raw,file=${machine.files.variables}`],
  ];
}

/**
 * virtio-net, which every cloud image has a driver for, but for `bios-ipxe`: discovery has to do with other adapters too.
 * OVMF drives virtio-net itself; with an empty option ROM its own PXE client is used, which is not iPXE.
 */
function nic(machine: Machine, bootIndex: number | undefined): string[] {
  const model = machine.kind === 'bios-ipxe' ? 'e1000e' : 'virtio-net-pci';
  const rom = isUefi(machine) ? ',romfile=' : '';
  return [
    ...['-netdev', `tap,id=n0,ifname=${machine.tap},script=no,downscript=no`],
    ...['-device', `${model},netdev=n0,id=net0,mac=${machine.identity.mac}${rom}${bootAt(bootIndex)}`],
  ];
}

/** The disks that a node of this specification has. Serials and names follow from the node's number and the disk's place. */
export function machineDisks(
  files: MachineFiles,
  identity: NodeIdentity,
  disks: readonly Required<DiskSpec>[],
): MachineDisk[] {
  return disks.map(({ bus, gib }, index) => ({
    bus,
    gib,
    serial: `${identity.serial}-D${index}`,
    // NAA type 5 (registered) of the organisation 52:54:00, whose addresses QEMU's machines have.
    ...(bus === 'scsi' ? { wwn: `5525400${(identity.number * 256 + index).toString(16).padStart(9, '0')}` } : {}),
    file: join(files.dir, `disk${index}.qcow2`),
  }));
}

function disks(machine: Machine, boot: BootIndexes): string[] {
  const adapter = machine.disks.some(({ bus }) => bus === 'scsi') ? ['-device', 'virtio-scsi-pci,id=scsi0'] : [];
  return [...adapter, ...machine.disks.flatMap((disk, index) => attach(disk, index, boot[`disk${index}`]))];
}

function attach({ bus, file, serial, wwn }: MachineDisk, index: number, bootIndex: number | undefined): string[] {
  const device = {
    virtio: 'virtio-blk-pci',
    nvme: 'nvme',
    scsi: `scsi-hd,bus=scsi0.0,scsi-id=${index},wwn=0x${wwn ?? ''}`,
  }[bus];
  return [
    ...['-drive', `if=none,id=d${index},file=${file},format=qcow2,cache=unsafe,discard=unmap`],
    ...['-device', `${device},drive=d${index},id=disk${index},serial=${serial}${bootAt(bootIndex)}`],
  ];
}

function bootAt(index: number | undefined): string {
  return index === undefined ? '' : `,bootindex=${index}`;
}

/** What dmidecode, iPXE and DHCP option 97 tell of the machine (SMBIOS structure types 0 to 4 and 17). */
function smbios(machine: Machine): string[] {
  const { vendor, product, serial, board, asset, number } = machine.identity;
  const firmwareKind = isUefi(machine) ? 'uefi' : 'bios';
  return [
    `type=0,vendor=LabBIOS,version=1.0-${firmwareKind},date=01/02/2026`,
    `type=1,manufacturer=${vendor},product=${product},version=A0,serial=${serial},sku=SKU-1000,family=Lab`,
    `type=2,manufacturer=${vendor},product=${board},version=A0,serial=${serial}-MB,asset=${asset},location=Slot${number}`,
    `type=3,manufacturer=${vendor},version=A0,serial=${serial}-CH,asset=RACK1-U${number},sku=CH-1`,
    `type=4,manufacturer=LabCPU,version=Lab Virtual CPU @ 2.0GHz,serial=CPU${number}`,
    `type=17,manufacturer=LabMem,part=DDR-LAB,serial=MEM${number},asset=MEM-A${number},speed=2666`,
  ].flatMap((structure) => ['-smbios', structure]);
}

/** The in-band way to the BMC: a KCS interface whose other end is the simulated BMC's own port. */
function bmcInterface({ bmc, identity }: Machine): string[] {
  if (!bmc) return [];
  return [
    ...['-chardev', `socket,id=ipmi0,host=127.0.0.1,port=${identity.kcsPort},reconnect=2`],
    ...['-device', 'ipmi-bmc-extern,id=bmc0,chardev=ipmi0', '-device', 'isa-ipmi-kcs,bmc=bmc0'],
  ];
}

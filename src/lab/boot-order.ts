import type { BootOrder } from './options.ts';

/** What IPMI's boot flags can ask for, once. */
export type BootDevice = 'pxe' | 'disk';

/**
 * QEMU's `bootindex` of each device; absent means not bootable. SeaBIOS and OVMF both obey it (`-boot order=` is
 * SeaBIOS's alone), and QEMU reads it again at each reset.
 */
export type BootIndexes = Readonly<Partial<Record<DeviceId, number>>>;

/** QEMU's ids of what a machine can boot from. */
export type DeviceId = 'net0' | `disk${number}`;

/**
 * The indexes for the next boot: the permanent order, with the device of a one-shot override in front. The disks follow
 * one another: firmware goes on to the next where one holds no system.
 */
export function bootIndexes(order: BootOrder, disks: number, override?: BootDevice): BootIndexes {
  const letter = override === undefined ? '' : override === 'pxe' ? 'n' : 'c';
  const sequence = (letter + order.replace(letter, '')).split('');
  const devices = sequence.flatMap((device) => (device === 'n' ? ['net0' as const] : diskIds(disks)));
  return Object.fromEntries(devices.map((device, at) => [device, at + 1]));
}

function diskIds(disks: number): DeviceId[] {
  return Array.from({ length: disks }, (_, index) => `disk${index}` as const);
}

/** Arguments of QMP's `qom-set`. */
export interface PropertyChange {
  readonly path: string;
  readonly property: 'bootindex';
  readonly value: number;
}

/** The changes that give a running machine these indexes. All are cleared first: no two devices may share one. */
export function bootIndexChanges(indexes: BootIndexes, disks: number): PropertyChange[] {
  const devices = ['net0' as const, ...diskIds(disks)];
  const change = (device: DeviceId, value: number): PropertyChange => ({
    path: `/machine/peripheral/${device}`,
    property: 'bootindex',
    value,
  });
  return [
    ...devices.map((device) => change(device, -1)),
    ...devices.flatMap((device) => {
      const value = indexes[device];
      return value === undefined ? [] : [change(device, value)];
    }),
  ];
}

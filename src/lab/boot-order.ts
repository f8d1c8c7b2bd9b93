import type { BootOrder } from './options.ts';

/** What IPMI's boot flags can ask for, once. */
export type BootDevice = 'pxe' | 'disk';

/**
 * QEMU's `bootindex` of each device; absent means not bootable. SeaBIOS and OVMF both obey it (`-boot order=` is
 * SeaBIOS's alone), and QEMU reads it again at each reset.
 */
export interface BootIndexes {
  readonly net0?: number;
  readonly disk0?: number;
}

/** The indexes for the next boot: the permanent order, with the device of a one-shot override in front. */
export function bootIndexes(order: BootOrder, override?: BootDevice): BootIndexes {
  const letter = override === undefined ? '' : override === 'pxe' ? 'n' : 'c';
  const sequence = letter + order.replace(letter, '');
  const index = (device: string): number | undefined => {
    const at = sequence.indexOf(device);
    return at < 0 ? undefined : at + 1;
  };
  const net0 = index('n');
  const disk0 = index('c');
  return { ...(net0 === undefined ? {} : { net0 }), ...(disk0 === undefined ? {} : { disk0 }) };
}

/** Arguments of QMP's `qom-set`. */
export interface PropertyChange {
  readonly path: string;
  readonly property: 'bootindex';
  readonly value: number;
}

/** The changes that give a running machine these indexes. All are cleared first: no two devices may share one. */
export function bootIndexChanges(indexes: BootIndexes): PropertyChange[] {
  const devices = ['net0', 'disk0'] as const;
  const change = (device: string, value: number): PropertyChange => ({
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

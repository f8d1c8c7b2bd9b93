import { InputError } from '../errors.ts';

/**
 * Kinds of virtual server. `bios`: an e1000e NIC whose iPXE ROM is made to look like a plain PXE ROM, so that the whole
 * chain is used; `bios-ipxe`: the same ROM as it is; `uefi`: OVMF with its own PXE driver on virtio-net.
 */
export const nodeKinds = ['bios', 'bios-ipxe', 'uefi'] as const;
export type NodeKind = (typeof nodeKinds)[number];

export const diskBuses = ['virtio', 'nvme'] as const;
export type DiskBus = (typeof diskBuses)[number];

/** Permanent boot order: network (`n`) and disk (`c`), first to last. */
export const bootOrders = ['nc', 'cn', 'n', 'c'] as const;
export type BootOrder = (typeof bootOrders)[number];

export interface LabOptions {
  /** Names the lab, its namespace and its directory; several labs run side by side under different names. */
  readonly name: string;
  readonly nodes: readonly NodeKind[];
  /** MiB per node. The discovery ramdisk unpacks to about 122 MB and needs 512 at least. */
  readonly memoryMib: number;
  readonly diskBus: DiskBus;
  readonly diskGib: number;
  readonly bootOrder: BootOrder;
  readonly store: 'sqlite' | 'mongodb';
  /** MongoDB as the machine itself reaches it; the lab hands it into the namespace. Only with store `mongodb`. */
  readonly mongodbUrl?: string;
  /** TCP port on the machine's loopback that leads to the server's admin side; 0 picks a free one. */
  readonly port: number;
  /** Program and arguments of the server; the path of its configuration is appended. Empty: no server. */
  readonly serverCommand: readonly string[];
  /** Directory of the discovery OS (kernel and ramdisk). */
  readonly microkernelDir: string;
  /** `netns` needs root, `userns` a user namespace; `auto` takes the first that works. */
  readonly isolation: 'auto' | Isolation;
}

export type Isolation = 'netns' | 'userns';

/** The lab of `make lab`, but for what depends on where the project lies. */
export const defaultOptions: Omit<LabOptions, 'serverCommand' | 'microkernelDir'> = {
  name: 'lab',
  nodes: ['bios', 'uefi'],
  memoryMib: 768,
  diskBus: 'virtio',
  diskGib: 4,
  bootOrder: 'nc',
  store: 'sqlite',
  port: 9090,
  isolation: 'auto',
};

/** Reads `bios,uefi`; throws an InputError that names the kinds there are. */
export function parseNodeKinds(text: string): NodeKind[] {
  const kinds = text.split(',').map((word) => word.trim());
  const unknown = kinds.find((kind) => !nodeKinds.some((known) => known === kind));
  if (unknown !== undefined || kinds.length > 200) {
    throw new InputError('nodes', `expected 1 to 200 of ${nodeKinds.join(', ')}, joined by commas, got '${text}'`);
  }
  return kinds as NodeKind[];
}

/** Names become part of unix socket paths (108 bytes at most) and of a namespace's name. */
export function parseLabName(text: string): string {
  if (!/^[a-z0-9][a-z0-9-]{0,19}$/.test(text)) {
    throw new InputError('name', `expected up to 20 of a-z, 0-9 and '-', got '${text}'`);
  }
  return text;
}

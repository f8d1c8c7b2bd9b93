import { InputError } from '../errors.ts';

/**
 * Kinds of virtual server. `bios`: a NIC whose iPXE ROM is made to look like a plain PXE ROM, so that the whole chain is
 * used; `bios-ipxe`: an e1000e NIC with its ROM as it is; `uefi`: OVMF with its own PXE driver on virtio-net.
 */
export const nodeKinds = ['bios', 'bios-ipxe', 'uefi'] as const;
export type NodeKind = (typeof nodeKinds)[number];

/** How a disk is attached: virtio-blk, an NVMe controller of its own, or a port of the node's one virtio-scsi adapter. */
export const diskBuses = ['virtio', 'nvme', 'scsi'] as const;
export type DiskBus = (typeof diskBuses)[number];

export interface DiskSpec {
  readonly bus: DiskBus;
  /** Absent: the lab's `diskGib`. */
  readonly gib?: number;
}

/** What a virtual server is built of. Disks are numbered in this order, which is also the firmware's. */
export interface NodeSpec {
  readonly kind: NodeKind;
  readonly disks: readonly DiskSpec[];
  /** False: a machine without a BMC. */
  readonly bmc?: boolean;
}

/** Permanent boot order: network (`n`) and disk (`c`), first to last. */
export const bootOrders = ['nc', 'cn', 'n', 'c'] as const;
export type BootOrder = (typeof bootOrders)[number];

export interface LabOptions {
  /** Names the lab, its namespace and its directory; several labs run side by side under different names. */
  readonly name: string;
  /** A kind alone is a node with one virtio disk. */
  readonly nodes: readonly (NodeKind | NodeSpec)[];
  /** MiB per node. The discovery ramdisk unpacks to about 122 MB and needs 512 at least. */
  readonly memoryMib: number;
  /** GiB of a disk whose node does not say otherwise. */
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
  diskGib: 4,
  bootOrder: 'nc',
  store: 'sqlite',
  port: 9090,
  isolation: 'auto',
};

const nodeText = new RegExp(`^(${nodeKinds.join('|')})(?::(.+))?$`);
const diskText = new RegExp(`^(${diskBuses.join('|')})(?:=([1-9]\\d{0,3})G)?$`);
const mostNodes = 200;
const mostDisks = 8;

/** Reads `bios,uefi:nvme,uefi:scsi=4G+scsi=6G`; throws an InputError that says what a node may be. */
export function parseNodes(text: string): NodeSpec[] {
  const nodes = text.split(',').map((word) => parseNode(word.trim()));
  const known = nodes.filter((node) => node !== undefined);
  if (known.length < nodes.length || nodes.length > mostNodes) throw new InputError('nodes', nodesExpected(text));
  return known;
}

/** The node that a kind alone stands for. */
export function nodeSpec(node: NodeKind | NodeSpec): NodeSpec {
  return typeof node === 'string' ? { kind: node, disks: [{ bus: 'virtio' }] } : node;
}

function parseNode(word: string): NodeSpec | undefined {
  const [, name, list] = nodeText.exec(word) ?? [];
  const kind = nodeKinds.find((known) => known === name);
  if (kind === undefined) return undefined;
  if (list === undefined) return nodeSpec(kind);
  const disks = list.split('+').map(parseDisk);
  const known = disks.filter((disk) => disk !== undefined);
  return known.length < disks.length || disks.length > mostDisks ? undefined : { kind, disks: known };
}

function parseDisk(word: string): DiskSpec | undefined {
  const [, name, gib] = diskText.exec(word) ?? [];
  const bus = diskBuses.find((known) => known === name);
  return bus && { bus, ...(gib === undefined ? {} : { gib: Number(gib) }) };
}

function nodesExpected(got: string): string {
  return (
    `expected 1 to ${mostNodes} nodes joined by commas, each ${nodeKinds.join(', ')}, or one of these with up to ${mostDisks} disks ` +
    `(${diskBuses.join(', ')}; a size in GiB may follow) as in uefi:nvme or uefi:scsi=4G+scsi=6G, got '${got}'`
  );
}

/** Names become part of unix socket paths (108 bytes at most) and of a namespace's name. */
export function parseLabName(text: string): string {
  if (!/^[a-z0-9][a-z0-9-]{0,19}$/.test(text)) {
    throw new InputError('name', `expected up to 20 of a-z, 0-9 and '-', got '${text}'`);
  }
  return text;
}

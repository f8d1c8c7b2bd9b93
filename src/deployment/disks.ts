import { z } from 'zod';
import { decimalBytes } from '../model/bytes.ts';
import type { ChosenDisk, DiskHints, DiskType } from '../model/deployment.ts';

/** Which disk a deployment is written to: what the node tells of its disks, and the choice. Never a guess. */

/** What is shown of a text that a node sent: one line, nothing that steers a terminal. */
const told = z
  .string()
  .max(4096)
  .transform((text) =>
    text
      .replaceAll(/[\p{Cc}\s]+/gu, ' ')
      .trim()
      .slice(0, 200),
  )
  .transform((text) => (text === '' ? undefined : text))
  .optional();

const diskSchema = z.object({
  name: z.string().regex(/^[a-z][a-z0-9!_-]{0,31}$/),
  sizeBytes: z.number().int().min(0),
  sectorBytes: z.number().int().min(1).default(512),
  readOnly: z.boolean(),
  removable: z.boolean(),
  rotational: z.boolean(),
  /** `usb`, `sata`, ...; absent where it is not known. */
  transport: told,
  model: told,
  serial: told,
  wwn: told,
  path: told,
  /** What uses it (a mounted file system, RAID); absent where nothing does. */
  usedBy: told,
});

/** A disk as `list-disks.sh` prints it. */
export type Disk = z.infer<typeof diskSchema>;

const listSchema = z.object({ disks: z.array(diskSchema).max(4096) });

export type ParsedDisks =
  { readonly ok: true; readonly disks: readonly Disk[] } | { readonly ok: false; readonly message: string };

/** Reads the output of `list-disks.sh`: hostile, as everything that a node sends. */
export function parseDisks(output: string): ParsedDisks {
  let json: unknown;
  try {
    json = JSON.parse(output);
  } catch {
    return { ok: false, message: "the node's list of disks is not JSON" };
  }
  const parsed = listSchema.safeParse(json);
  if (parsed.success) return { ok: true, disks: parsed.data.disks };
  const [issue] = parsed.error.issues;
  const where = issue?.path.join('.') ?? '';
  return { ok: false, message: `the node's list of disks is not as it should be at ${where}: ${issue?.message ?? ''}` };
}

export type Choice =
  | { readonly ok: true; readonly disk: ChosenDisk }
  | {
      readonly ok: false;
      readonly reason: 'no-disk' | 'no-match' | 'several-disks' | 'disk-too-small' | 'disk-unfit';
      /** For the operator: what there is, and what to do. */
      readonly message: string;
    };

/** Room for the seed behind the image: its partition, aligned, and the second copy of a GPT. */
const seedRoomBytes = 6 * 1024 * 1024;

/** Bytes that a disk must have for an image. */
export function neededBytes(image: { readonly rawBytes: number; readonly cloudInit: boolean }): number {
  return image.rawBytes + (image.cloudInit ? seedRoomBytes : 0);
}

/**
 * The one disk that all hints fit; without hints the one that there is. Removable, USB, read-only and empty devices and
 * what is no disk are never chosen. Where several fit, or none, or it is too small, the answer says what there is.
 */
export function chooseDisk(disks: readonly Disk[], hints: DiskHints | undefined, bytes: number): Choice {
  const candidates = disks.filter((disk) => unfit(disk) === undefined);
  const others = disks.filter((disk) => unfit(disk) !== undefined && isBlockDisk(disk));
  const asked = Object.entries(hints ?? {});
  if (candidates.length === 0) {
    const message = `this machine has no disk to write to${listed('; there is', others)}`;
    return { ok: false, reason: 'no-disk', message };
  }
  const fitting = candidates.filter((disk) => fits(disk, hints ?? {}));
  const [disk] = fitting;
  if (!disk) {
    const what = asked.map(([name, value]) => `${name} ${value}`).join(', ');
    const message = `no disk fits the hint ${what}; there is ${candidates.map(describe).join('; ')}${listed('; not considered:', others)}`;
    return { ok: false, reason: 'no-match', message };
  }
  if (fitting.length > 1) {
    const many = `${fitting.length} disks fit${asked.length === 0 ? '' : ' the hints'}: ${fitting.map(describe).join('; ')}`;
    return {
      ok: false,
      reason: 'several-disks',
      message: `${many}. Say which by a hint: serial, wwn, size, type or path`,
    };
  }
  if (disk.sectorBytes !== 512) {
    const message = `${describe(disk)} has sectors of ${disk.sectorBytes} bytes; images are laid out for 512`;
    return { ok: false, reason: 'disk-unfit', message };
  }
  if (disk.sizeBytes < bytes) {
    const message = `${describe(disk)} is too small: ${bytes} bytes are needed, it has ${disk.sizeBytes}`;
    return { ok: false, reason: 'disk-too-small', message };
  }
  return { ok: true, disk: chosen(disk, disks) };
}

/** Kernel names of what is block storage, but none to install on: memory, loops, optical and floppy drives, mappings. */
const noDisk = /^(ram|zram|loop|sr|fd|nbd|md|dm-|mtdblock|mmcblk\d+(boot|rpmb))/;

function isBlockDisk({ name, sizeBytes }: Disk): boolean {
  return !noDisk.test(name) && sizeBytes > 0;
}

/** Why a device is not considered; undefined: it is. */
function unfit(disk: Disk): string | undefined {
  if (!isBlockDisk(disk)) return 'no disk';
  if (disk.removable) return 'removable';
  if (disk.transport === 'usb') return 'attached by USB';
  if (disk.readOnly) return 'read-only';
  return disk.usedBy === undefined ? undefined : `in use by ${disk.usedBy}`;
}

function fits(disk: Disk, hints: DiskHints): boolean {
  const { minBytes = 0, maxBytes = Number.MAX_SAFE_INTEGER } = hints;
  return (
    agrees(hints.serial, disk.serial, plain) &&
    agrees(hints.wwn, disk.wwn, plainWwn) &&
    agrees(hints.type, typeOf(disk), plain) &&
    agrees(hints.path, disk.path, plain) &&
    agrees(hints.name, disk.name, plain) &&
    disk.sizeBytes >= minBytes &&
    disk.sizeBytes <= maxBytes
  );
}

function agrees(hint: string | undefined, value: string | undefined, form: (text: string) => string): boolean {
  return hint === undefined || (value !== undefined && form(hint) === form(value));
}

const plain = (text: string): string => text.trim().toLowerCase();
/** `0x5000...` of lsblk, `naa.5000...` of sysfs and `5000...` of a label are one name. */
const plainWwn = (text: string): string => plain(text).replace(/^(0x|naa\.|eui\.|uuid\.|wwn-)+/, '');

export function typeOf({ name, rotational }: Pick<Disk, 'name' | 'rotational'>): DiskType {
  if (name.startsWith('nvme')) return 'nvme';
  return rotational ? 'hdd' : 'ssd';
}

/**
 * What a disk is known by from now on, as device names can change with every boot: its WWN, else its serial number, else
 * where it is plugged in; the first of them that no other device of the machine has as well.
 */
function chosen(disk: Disk, all: readonly Disk[]): ChosenDisk {
  const { name, sizeBytes, model, serial, wwn, path } = disk;
  const kinds = ['wwn', 'serial', 'path'] as const;
  const own = kinds.find(
    (kind) => disk[kind] !== undefined && all.filter((one) => one[kind] === disk[kind]).length === 1,
  );
  const id = own === undefined ? `name:${name}` : `${own}:${disk[own] ?? ''}`;
  const known = Object.entries({ model, serial, wwn, path }).filter(([, value]) => value !== undefined);
  return { id, name, sizeBytes, type: typeOf(disk), ...Object.fromEntries(known) };
}

function describe(disk: Disk): string {
  const { name, sizeBytes, model, serial, wwn, path } = disk;
  const parts = [
    `${decimalBytes(sizeBytes)} ${typeOf(disk)}`,
    ...[model, serial === undefined ? 'no serial number' : `serial ${serial}`],
    ...[wwn === undefined ? undefined : `wwn ${wwn}`, path === undefined ? undefined : `path ${path}`],
  ];
  return `${name} (${parts.filter((part) => part !== undefined).join(', ')})`;
}

function listed(beginning: string, disks: readonly Disk[]): string {
  if (disks.length === 0) return '';
  return `${beginning} ${disks.map((disk) => `${describe(disk)}, ${unfit(disk) ?? ''}`).join('; ')}`;
}

import type { BootMode } from '../model/image.ts';

/** What the beginning of a disk says of it. */
export type DiskLayout =
  | {
      readonly kind: 'disk';
      readonly table: 'gpt' | 'mbr' | 'none';
      readonly bootModes: readonly BootMode[];
      /** Bytes that the partition table says are there at least. */
      readonly needsBytes: number;
    }
  /** Nothing at its beginning is what a disk has there. */
  | { readonly kind: 'none' };

/** How many bytes `readLayout` looks at. */
export const layoutBytes = 1024 * 1024;

/** UEFI specification 2.10, section 5.2.1: boot code, four partition records, signature. */
const mbr = { bootCode: 440, records: 446, recordLength: 16, signature: 510 } as const;
/** UEFI specification 2.10, table 5.5. */
const gpt = { alternateLba: 32, lastUsableLba: 48, entriesLba: 72, entries: 80, entryLength: 84 } as const;
/** Partition types: UEFI specification 2.10, table 5.7 (ESP); GRUB manual, "BIOS installation". */
const espType = 'c12a7328-f81f-11d2-ba4b-00a0c93ec93b';
const biosBootType = '21686148-6449-6e6f-744e-656564454649';
const mbrEspType = 0xef;
const mbrProtective = 0xee;

/** An image says in whose sectors it counts only by where its GPT lies. */
const sectorSizes = [512, 4096] as const;

/** Reads partition tables and boot code from the first `layoutBytes` of a disk. Any bytes may come; none make it throw. */
export function readLayout(head: Uint8Array): DiskLayout {
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  if (head.length < 512) return { kind: 'none' };
  const signed = view.getUint16(mbr.signature, true) === 0xaa55;
  const partitions = signed ? mbrPartitions(view) : [];
  const bootCode = signed && head.subarray(0, mbr.bootCode).some((byte) => byte !== 0);
  const table = findGpt(view);
  if (table !== undefined) return gptLayout(view, table, bootCode);
  if (!signed || (!bootCode && partitions.length === 0)) return { kind: 'none' };
  const uefi = partitions.some(({ type }) => type === mbrEspType);
  return {
    kind: 'disk',
    table: partitions.length === 0 ? 'none' : 'mbr',
    bootModes: modes({ bios: bootCode, uefi }),
    needsBytes: Math.max(512, ...partitions.filter(({ type }) => type !== mbrProtective).map(({ end }) => end * 512)),
  };
}

interface MbrPartition {
  readonly type: number;
  /** In sectors, exclusive. */
  readonly end: number;
}

/** Boot code that merely looks like a table has other bytes than 0 and 0x80 where records say whether they are active. */
function mbrPartitions(view: DataView): MbrPartition[] {
  const records = [0, 1, 2, 3].map((index) => mbr.records + index * mbr.recordLength);
  if (!records.every((at) => [0, 0x80].includes(view.getUint8(at)))) return [];
  return records
    .map((at) => ({
      type: view.getUint8(at + 4),
      start: view.getUint32(at + 8, true),
      sectors: view.getUint32(at + 12, true),
    }))
    .filter(({ type, sectors }) => type !== 0 && sectors !== 0)
    .map(({ type, start, sectors }) => ({ type, end: start + sectors }));
}

interface GptPlace {
  readonly header: number;
  readonly sector: number;
}

function findGpt(view: DataView): GptPlace | undefined {
  const sector = sectorSizes.find((size) => view.byteLength >= size + 92 && isGptHeader(view, size));
  return sector === undefined ? undefined : { header: sector, sector };
}

/** 'EFI PART' */
function isGptHeader(view: DataView, at: number): boolean {
  return view.getUint32(at) === 0x45464920 && view.getUint32(at + 4) === 0x50415254;
}

function gptLayout(view: DataView, { header, sector }: GptPlace, bootCode: boolean): DiskLayout {
  const lba = (at: number): number => Number(view.getBigUint64(header + at, true));
  const first = lba(gpt.entriesLba) * sector;
  const length = view.getUint32(header + gpt.entryLength, true);
  const count = view.getUint32(header + gpt.entries, true);
  const types = entryTypes(view, { first, length, count });
  return {
    kind: 'disk',
    table: 'gpt',
    bootModes: modes({ bios: bootCode || types.has(biosBootType), uefi: types.has(espType) }),
    needsBytes: (Math.max(lba(gpt.alternateLba), lba(gpt.lastUsableLba)) + 1) * sector,
  };
}

interface Entries {
  readonly first: number;
  readonly length: number;
  readonly count: number;
}

/** The partition types of the entries that lie in what we have; more than the usual 128 are looked at up to 1024. */
function entryTypes(view: DataView, { first, length, count }: Entries): Set<string> {
  const types = new Set<string>();
  if (length < 128) return types;
  for (let index = 0; index < Math.min(count, 1024); index += 1) {
    const at = first + index * length;
    if (at + 16 > view.byteLength) break;
    types.add(guidAt(view, at));
  }
  return types;
}

/** The first three fields are little endian, the rest are as they stand (UEFI specification, appendix A). */
function guidAt(view: DataView, at: number): string {
  const hex = (value: number, digits: number): string => value.toString(16).padStart(digits, '0');
  const rest = Array.from({ length: 8 }, (_, index) => hex(view.getUint8(at + 8 + index), 2)).join('');
  const head = `${hex(view.getUint32(at, true), 8)}-${hex(view.getUint16(at + 4, true), 4)}-${hex(view.getUint16(at + 6, true), 4)}`;
  return `${head}-${rest.slice(0, 4)}-${rest.slice(4)}`;
}

function modes(can: Readonly<Record<BootMode, boolean>>): BootMode[] {
  return (['bios', 'uefi'] as const).filter((mode) => can[mode]);
}

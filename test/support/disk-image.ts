/** Small disks as firmware and partitioners would leave them. */

export interface DiskOptions {
  /** Bytes, whole sectors; default 2 MiB. */
  readonly bytes?: number;
  readonly table?: 'gpt' | 'mbr' | 'none';
  readonly bootCode?: boolean;
  /** Partition types: GUIDs for a GPT, numbers for an MBR. */
  readonly partitions?: readonly (string | number)[];
  readonly sector?: 512 | 4096;
  /** Of what the partitions hold; the same seed gives the same bytes. */
  readonly seed?: number;
}

export const guids = {
  esp: 'c12a7328-f81f-11d2-ba4b-00a0c93ec93b',
  biosBoot: '21686148-6449-6e6f-744e-656564454649',
  linux: '0fc63daf-8483-4772-8e79-3d69d8477de4',
} as const;

/** By default a GPT with an EFI system partition, and boot code: BIOS and UEFI both start it. */
export function diskImage(options: DiskOptions = {}): Buffer {
  const { bytes = 2 * 1024 * 1024, table = 'gpt', bootCode = true, sector = 512 } = options;
  const disk = Buffer.alloc(bytes);
  fill(disk, options.seed ?? 1);
  if (bootCode) disk.set([0xeb, 0x63, 0x90], 0);
  if (bootCode || table !== 'none') disk.writeUInt16LE(0xaa55, 510);
  if (table === 'gpt') writeGpt(disk, sector, options.partitions ?? [guids.linux, guids.esp]);
  if (table === 'mbr') writeMbr(disk, options.partitions ?? [0x83]);
  return disk;
}

/** Bytes that do not compress, in the second half. */
function fill(disk: Buffer, seed: number): void {
  let state = seed;
  for (let at = disk.length >> 1; at + 4 <= disk.length; at += 4) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    disk.writeUInt32LE(state, at);
  }
}

function writeMbr(disk: Buffer, types: readonly (string | number)[]): void {
  types.forEach((type, index) => {
    const at = 446 + index * 16;
    disk.writeUInt8(Number(type), at + 4);
    disk.writeUInt32LE(64 * (index + 1), at + 8);
    disk.writeUInt32LE(64, at + 12);
  });
  disk.writeUInt32LE(disk.length / 512 - 64 * types.length, 446 + (types.length - 1) * 16 + 12);
}

function writeGpt(disk: Buffer, sector: number, types: readonly (string | number)[]): void {
  const last = disk.length / sector - 1;
  disk.writeUInt8(0xee, 446 + 4);
  disk.writeUInt32LE(1, 446 + 8);
  disk.writeUInt32LE(last, 446 + 12);
  disk.write('EFI PART', sector, 'latin1');
  disk.writeBigUInt64LE(1n, sector + 24);
  disk.writeBigUInt64LE(BigInt(last), sector + 32);
  disk.writeBigUInt64LE(BigInt(last - 33), sector + 48);
  disk.writeBigUInt64LE(2n, sector + 72);
  disk.writeUInt32LE(128, sector + 80);
  disk.writeUInt32LE(128, sector + 84);
  types.forEach((type, index) => {
    guidBytes(String(type)).copy(disk, 2 * sector + index * 128);
  });
}

function guidBytes(guid: string): Buffer {
  const bytes = Buffer.from(guid.replaceAll('-', ''), 'hex');
  for (const [from, to] of [
    [0, 4],
    [4, 6],
    [6, 8],
  ] as const) {
    bytes.subarray(from, to).reverse();
  }
  return bytes;
}

const gib = 1024 ** 3;

/** No disk of a server is larger for now, and an image is never longer than the disk. */
const mostRawBytes = 64 * 1024 * gib;
/** Any image may unpack to so much: a nearly empty disk packs to almost nothing. */
const defaultRawBytes = 16 * gib;
/** Beyond that, bytes unpacked for each byte packed. A disk with a system on it has 2 to 200. */
const ratio = 1000;

/** How many bytes a packed file of this size may unpack to before it is taken for a decompression bomb. */
export function rawLimit(packedBytes: number, alwaysRawBytes = defaultRawBytes): number {
  return Math.min(mostRawBytes, Math.max(alwaysRawBytes, packedBytes * ratio));
}

/** What one program may use; the kernel ends it where it takes more. */
export interface ToolLimits {
  readonly memoryBytes: number;
  readonly cpuSeconds: number;
  /** Of any file that it writes. */
  readonly fileBytes: number;
}

/** An xz -9 stream needs 65 MiB, a zstd --ultra one 128 MiB. QEMU maps far more than it uses. */
export const unpackLimits: ToolLimits = { memoryBytes: gib, cpuSeconds: 3600, fileBytes: 0 };
export const convertLimits = (rawBytes: number): ToolLimits => ({
  memoryBytes: 2 * gib,
  cpuSeconds: 3600,
  fileBytes: rawBytes,
});

/** All that is done with one image after it came, in milliseconds. */
export const inspectionMs = 2 * 3600 * 1000;

import type { Document } from './document.ts';

/** How a disk image is kept: as it is on disk, or compressed as a whole. Other formats are converted when they come. */
export type ImageFormat = 'raw' | 'raw.zst' | 'raw.gz' | 'raw.xz';

/** How a machine's firmware can start a system. */
export type BootMode = 'bios' | 'uefi';

/** A disk image that nodes can be given. Its bytes, the blob, lie outside the store under their checksum. */
export interface Image extends Document {
  /** Unique; see `imageNamePattern`. */
  readonly name: string;
  /** What system is in it, in the words of whoever brought it. */
  readonly os?: string;
  /** SHA-256 of the blob as it is kept, hexadecimal; images of the same bytes share one. */
  readonly sha256: string;
  /** Bytes of the blob. */
  readonly sizeBytes: number;
  readonly format: ImageFormat;
  /** Bytes on disk, unpacked: the disk must be at least so large. */
  readonly rawBytes: number;
  /** SHA-256 of what is on disk in the end, hexadecimal. */
  readonly rawSha256?: string;
  readonly bootModes: readonly BootMode[];
  /** Whether the system in it reads a cloud-init seed. */
  readonly cloudInit: boolean;
}

/** Lower-case letters, digits, `.`, `_` and `-`, at most 63, beginning with a letter or digit. */
export const imageNamePattern = /^[a-z0-9][a-z0-9._-]{0,62}$/;

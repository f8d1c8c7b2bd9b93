/** What a file is by its first bytes. Names and content types are not asked: they are somebody's word. */
export type FileKind =
  | { readonly kind: 'raw' }
  | { readonly kind: 'packed'; readonly packing: Packing }
  | { readonly kind: 'qcow2' }
  /** Something that we know and cannot use: `what` it is, and what to do. */
  | { readonly kind: 'foreign'; readonly what: string; readonly hint?: string };

/** Compressions of a whole image that are kept as they come. */
export type Packing = 'zstd' | 'gzip' | 'xz';

interface Magic {
  readonly at: number;
  readonly bytes: readonly number[];
  readonly is: FileKind;
}

const text = (word: string): number[] => Array.from(word, (letter) => letter.charCodeAt(0));
const convert = 'Convert it with qemu-img convert -O qcow2.';
const unpack = 'Take the disk image out of it.';
const foreign = (what: string, hint?: string): FileKind => ({
  kind: 'foreign',
  what,
  ...(hint === undefined ? {} : { hint }),
});

/** RFC 8878 3.1.1 (zstd), RFC 1952 2.3.1 (gzip), the .xz file format 2.1.1.1, QEMU's docs/interop/qcow2.txt; file(1). */
const magics: readonly Magic[] = [
  { at: 0, bytes: [0x28, 0xb5, 0x2f, 0xfd], is: { kind: 'packed', packing: 'zstd' } },
  { at: 0, bytes: [0x1f, 0x8b, 0x08], is: { kind: 'packed', packing: 'gzip' } },
  { at: 0, bytes: [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00], is: { kind: 'packed', packing: 'xz' } },
  { at: 0, bytes: [0x51, 0x46, 0x49, 0xfb], is: { kind: 'qcow2' } },
  { at: 0, bytes: text('KDMV'), is: foreign('a VMDK image', convert) },
  { at: 0, bytes: text('# Disk DescriptorFile'), is: foreign('a VMDK descriptor without its data', convert) },
  { at: 0, bytes: text('vhdxfile'), is: foreign('a VHDX image', convert) },
  { at: 0, bytes: text('conectix'), is: foreign('a VHD image', convert) },
  { at: 0x40, bytes: [0x7f, 0x10, 0xda, 0xbe], is: foreign('a VDI image', convert) },
  { at: 0, bytes: text('BZh'), is: foreign('compressed with bzip2', 'Compress it with zstd, gzip or xz.') },
  { at: 0, bytes: [0x04, 0x22, 0x4d, 0x18], is: foreign('compressed with lz4', 'Compress it with zstd, gzip or xz.') },
  { at: 0, bytes: text('PK\x03\x04'), is: foreign('a zip archive', unpack) },
  { at: 0, bytes: text('7z\xbc\xaf'), is: foreign('a 7-Zip archive', unpack) },
  { at: 0, bytes: text('hsqs'), is: foreign('a squashfs file system') },
  { at: 257, bytes: text('ustar'), is: foreign('a tar archive', unpack) },
  { at: 0, bytes: text('\x7fELF'), is: foreign('a program') },
  { at: 0, bytes: text('%PDF'), is: foreign('a PDF document') },
];

/** The kind of a file that begins with these bytes (300 are enough); `raw` where nothing is recognised. */
export function detectKind(head: Uint8Array): FileKind {
  const magic = magics.find(({ at, bytes }) => bytes.every((byte, index) => head[at + index] === byte));
  if (magic !== undefined) return magic.is;
  return looksLikePage(head) ? foreign('a web page', 'Give the address of the image itself.') : { kind: 'raw' };
}

function looksLikePage(head: Uint8Array): boolean {
  const start = new TextDecoder('latin1').decode(head.subarray(0, 256));
  return /^(\xef\xbb\xbf)?\s*(<!doctype html|<html|<\?xml|<!--)/i.test(start);
}

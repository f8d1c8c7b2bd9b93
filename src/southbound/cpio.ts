/**
 * A newc cpio archive (cpio(5), "New ASCII Format"), as the Linux kernel unpacks from a ramdisk. Pure; small files only.
 */
export interface CpioFile {
  /** Without a leading slash. Directories above it are made. */
  readonly path: string;
  readonly text: string;
  /** Permission bits. */
  readonly mode: number;
}

const regular = 0o100000;
const directory = 0o040000;

/** The archive's bytes, padded to 512 as cpio(1) does. */
export function cpioArchive(files: readonly CpioFile[]): Uint8Array {
  const encoder = new TextEncoder();
  const folders = [...new Set(files.flatMap(({ path }) => parents(path)))].sort();
  const parts = [
    ...folders.map((path) => entry(path, directory | 0o755, new Uint8Array())),
    ...files.map(({ path, text, mode }) => entry(path, regular | mode, encoder.encode(text))),
    entry('TRAILER!!!', 0, new Uint8Array()),
  ];
  const size = parts.reduce((sum, part) => sum + part.length, 0);
  const archive = new Uint8Array(Math.ceil(size / 512) * 512);
  let offset = 0;
  for (const part of parts) {
    archive.set(part, offset);
    offset += part.length;
  }
  return archive;
}

function parents(path: string): string[] {
  const names = path.split('/').slice(0, -1);
  return names.map((_, index) => names.slice(0, index + 1).join('/'));
}

/** Header (110 bytes) and name padded to 4, then the content padded to 4. */
function entry(path: string, mode: number, content: Uint8Array): Uint8Array {
  const name = new TextEncoder().encode(`${path}\0`);
  const links = mode >= regular ? 1 : 2;
  // ino mode uid gid nlink mtime filesize devmajor devminor rdevmajor rdevminor namesize check
  const fields = [0, mode, 0, 0, links, 0, content.length, 0, 0, 0, 0, name.length, 0];
  const header = new TextEncoder().encode(
    `070701${fields.map((field) => field.toString(16).padStart(8, '0').toUpperCase()).join('')}`,
  );
  const contentAt = align(header.length + name.length);
  const bytes = new Uint8Array(align(contentAt + content.length));
  bytes.set(header);
  bytes.set(name, header.length);
  bytes.set(content, contentAt);
  return bytes;
}

function align(offset: number): number {
  return Math.ceil(offset / 4) * 4;
}

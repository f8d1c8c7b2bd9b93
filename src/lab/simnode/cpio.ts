/**
 * Reads one file out of a newc cpio archive (cpio(5)), as the kernel would unpack it; undefined if the bytes are no such
 * archive or hold no such file.
 */
export function readCpioFile(archive: Uint8Array, path: string): string | undefined {
  const text = new TextDecoder();
  let at = 0;
  while (at + 110 <= archive.length && text.decode(archive.subarray(at, at + 6)) === '070701') {
    const field = (index: number): number =>
      Number.parseInt(text.decode(archive.subarray(at + 6 + index * 8, at + 14 + index * 8)), 16);
    const [size, nameSize] = [field(6), field(11)];
    const name = text.decode(archive.subarray(at + 110, at + 110 + nameSize - 1));
    const content = align(at + 110 + nameSize);
    if (name === path) return text.decode(archive.subarray(content, content + size));
    at = align(content + size);
  }
  return undefined;
}

function align(offset: number): number {
  return Math.ceil(offset / 4) * 4;
}

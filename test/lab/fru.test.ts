import fc from 'fast-check';
import { fruImage } from '../../src/lab/fru.ts';

const sum = (bytes: Uint8Array): number => bytes.reduce((total, byte) => total + byte, 0) & 0xff;

/** Reads an area back: its fields as texts, from byte `skip` of its body on. */
function readArea(image: Uint8Array, offsetAt: number, skip: number): string[] {
  const offset = image[offsetAt]! * 8;
  const area = image.subarray(offset, offset + image[offset + 1]! * 8);
  expect(area[0]).toBe(1);
  expect(sum(area)).toBe(0);
  const texts: string[] = [];
  for (let at = 2 + skip; area[at] !== 0xc1;) {
    const length = area[at]! & 0x3f;
    texts.push(Buffer.from(area.subarray(at + 1, at + 1 + length)).toString('latin1'));
    at += 1 + length;
    expect(at).toBeLessThan(area.length);
  }
  return texts;
}

const read = (image: Uint8Array) => ({
  chassis: readArea(image, 2, 1),
  board: readArea(image, 3, 4),
  product: readArea(image, 4, 1),
});

const content = {
  chassis: { partNumber: 'CH-1', serial: 'S-CH' },
  board: { manufacturedMinutes: 13_000_000, manufacturer: 'V', product: 'B', serial: 'S-MB', partNumber: 'PN' },
  product: { manufacturer: 'Vendor', name: 'P', partNumber: 'PN', version: 'A0', serial: 'S', asset: 'A' },
};

describe('FRU image', () => {
  it('has a header whose offsets lead to its areas, and sums to zero', () => {
    const image = fruImage(content);
    expect([...image.subarray(0, 8)]).toEqual([1, 0, 1, 3, 6, 0, 0, expect.any(Number)]);
    expect(sum(image.subarray(0, 8))).toBe(0);
    expect(image).toHaveLength(256);
    expect(read(image)).toEqual({
      chassis: ['CH-1', 'S-CH'],
      board: ['V ', 'B ', 'S-MB', 'PN', ''],
      product: ['Vendor', 'P ', 'PN', 'A0', 'S ', 'A ', ''],
    });
  });

  it('keeps the board’s date as minutes since 1996, little-endian', () => {
    const image = fruImage(content);
    const board = image[3]! * 8;
    expect(image[board + 3]! + image[board + 4]! * 256 + image[board + 5]! * 65536).toBe(13_000_000);
  });

  it('reads back whatever Latin-1 it is given, cut at 63 bytes', () => {
    const text = fc.string({
      unit: fc.integer({ min: 32, max: 255 }).map((code) => String.fromCharCode(code)),
      maxLength: 80,
    });
    fc.assert(
      fc.property(text, text, (serial, name) => {
        const image = fruImage({ ...content, product: { ...content.product, serial, name } });
        const stored = (value: string): string => (value.length === 1 ? `${value} ` : value.slice(0, 63));
        expect(read(image).product).toEqual(['Vendor', stored(name), 'PN', 'A0', stored(serial), 'A ', '']);
      }),
    );
  });
});

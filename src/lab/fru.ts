/**
 * IPMI FRU inventory image: chassis, board and product areas ("Platform Management FRU Information Storage Definition"
 * 1.0 revision 1.3; sections in brackets).
 */
export interface FruContent {
  readonly chassis: { readonly partNumber: string; readonly serial: string };
  readonly board: {
    /** Minutes since 1996-01-01 00:00 (11). */
    readonly manufacturedMinutes: number;
    readonly manufacturer: string;
    readonly product: string;
    readonly serial: string;
    readonly partNumber: string;
  };
  readonly product: {
    readonly manufacturer: string;
    readonly name: string;
    readonly partNumber: string;
    readonly version: string;
    readonly serial: string;
    readonly asset: string;
  };
}

const formatVersion = 1;
const english = 25;
/** Chassis type "Rack Mount Chassis" (SMBIOS 3.x, 7.4.1). */
const rackMount = 0x17;
const endOfFields = 0xc1;
/** What BMCs reserve at least for the image. */
const leastBytes = 256;

/** The image. Texts are Latin-1, 63 bytes at most; longer ones are cut. */
export function fruImage(content: FruContent): Uint8Array {
  const { chassis, board, product } = content;
  const minutes = board.manufacturedMinutes;
  const areas = [
    area([rackMount, ...fields([chassis.partNumber, chassis.serial])]),
    area([
      english,
      minutes & 0xff,
      (minutes >>> 8) & 0xff,
      (minutes >>> 16) & 0xff,
      ...fields([board.manufacturer, board.product, board.serial, board.partNumber, '']),
    ]),
    area([
      english,
      ...fields([
        product.manufacturer,
        product.name,
        product.partNumber,
        product.version,
        product.serial,
        product.asset,
        '',
      ]),
    ]),
  ];
  // The common header (8) holds each area's offset in units of 8 bytes; it is itself 8 bytes long.
  let next = 1;
  const offsets = areas.map((bytes) => {
    const offset = next;
    next += bytes.length / 8;
    return offset;
  });
  const image = [...withChecksum([formatVersion, 0, ...offsets, 0, 0]), ...areas.flat()];
  return Uint8Array.from([...image, ...zeros(leastBytes - image.length)]);
}

/** Type/length byte and text (13): type 3 is 8-bit Latin-1. One character would read as the end mark, so it gets a space. */
function fields(texts: readonly string[]): number[] {
  return texts.flatMap((text) => {
    const bytes = [...Buffer.from(text.length === 1 ? `${text} ` : text, 'latin1').subarray(0, 63)];
    return [0xc0 | bytes.length, ...bytes];
  });
}

/** An area: version, its own length in units of 8 bytes, body, end mark, padding, checksum (10 to 12). */
function area(body: readonly number[]): number[] {
  const units = Math.ceil((body.length + 4) / 8);
  const start = [formatVersion, units, ...body, endOfFields];
  return withChecksum([...start, ...zeros(units * 8 - start.length - 1)]);
}

/** Appends the byte that makes the sum zero modulo 256. */
function withChecksum(bytes: readonly number[]): number[] {
  const sum = bytes.reduce((total, byte) => total + byte, 0);
  return [...bytes, -sum & 0xff];
}

function zeros(count: number): number[] {
  return new Array<number>(Math.max(0, count)).fill(0);
}

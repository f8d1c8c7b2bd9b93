import { MalformedError } from '../errors.ts';

/**
 * TFTP packets (RFC 1350 section 5, options by RFC 2347), numbers in network byte order:
 *
 *     RRQ, WRQ   | 1, 2 | file name | 0 | mode | 0 | name | 0 | value | 0 | ...
 *     DATA       |  3   | block | bytes ...
 *     ACK        |  4   | block |
 *     ERROR      |  5   | code  | message | 0 |
 *     OACK       |  6   | name | 0 | value | 0 | ...
 *
 * Opcodes, block numbers and codes have 16 bits. Strings are read as UTF-8, of which the netascii that the RFC wants is
 * a part.
 */
export type TftpPacket =
  | TftpRequest
  | { readonly op: 'DATA'; readonly block: number; readonly bytes: Uint8Array }
  | { readonly op: 'ACK'; readonly block: number }
  | { readonly op: 'ERROR'; readonly code: number; readonly message: string }
  | { readonly op: 'OACK'; readonly options: TftpOptions };

export interface TftpRequest {
  readonly op: 'RRQ' | 'WRQ';
  readonly file: string;
  /** As sent: `octet` in any case, mostly. */
  readonly mode: string;
  readonly options: TftpOptions;
}

/** Options by lower-case name: names are case-insensitive, and one that comes twice counts once (RFC 2347). */
export type TftpOptions = ReadonlyMap<string, string>;

/** Error codes of RFC 1350 (appendix) and RFC 2347. */
export const tftpError = {
  undefined: 0,
  fileNotFound: 1,
  accessViolation: 2,
  diskFull: 3,
  illegalOperation: 4,
  unknownTransferId: 5,
  fileExists: 6,
  noSuchUser: 7,
  optionRefused: 8,
} as const;

const opcodes = { RRQ: 1, WRQ: 2, DATA: 3, ACK: 4, ERROR: 5, OACK: 6 } as const;

/** Reads one datagram; throws a MalformedError if it is no TFTP packet. `bytes` of DATA share the datagram's memory. */
export function decodePacket(datagram: Uint8Array): TftpPacket {
  switch (uint16(datagram, 0)) {
    case opcodes.RRQ:
      return decodeRequest('RRQ', datagram);
    case opcodes.WRQ:
      return decodeRequest('WRQ', datagram);
    case opcodes.DATA:
      return { op: 'DATA', block: uint16(datagram, 2), bytes: datagram.subarray(4) };
    case opcodes.ACK:
      return { op: 'ACK', block: uint16(datagram, 2) };
    case opcodes.ERROR:
      return { op: 'ERROR', code: uint16(datagram, 2), message: errorMessage(datagram.subarray(4)) };
    case opcodes.OACK:
      return { op: 'OACK', options: readOptions(splitStrings(datagram.subarray(2))) };
    default:
      throw new MalformedError(`TFTP opcode ${uint16(datagram, 0)} does not exist`);
  }
}

/** As `decodePacket`, but undefined where there is no packet. */
export function readPacket(datagram: Uint8Array): TftpPacket | undefined {
  try {
    return decodePacket(datagram);
  } catch (error) {
    if (error instanceof MalformedError) return undefined;
    throw error;
  }
}

export function encodePacket(packet: TftpPacket): Uint8Array {
  switch (packet.op) {
    case 'DATA':
      return encodeData(packet.block, packet.bytes);
    case 'ACK':
      return Uint8Array.of(0, opcodes.ACK, packet.block >> 8, packet.block & 255);
    case 'ERROR':
      return concat([0, opcodes.ERROR, packet.code >> 8, packet.code & 255], [packet.message]);
    case 'OACK':
      return concat([0, opcodes.OACK], [...packet.options].flat());
    case 'RRQ':
    case 'WRQ':
      return concat([0, opcodes[packet.op]], [packet.file, packet.mode, ...[...packet.options].flat()]);
  }
}

function encodeData(block: number, bytes: Uint8Array): Uint8Array {
  const packet = new Uint8Array(4 + bytes.length);
  packet[1] = opcodes.DATA;
  packet[2] = block >> 8;
  packet[3] = block & 255;
  packet.set(bytes, 4);
  return packet;
}

function decodeRequest(op: 'RRQ' | 'WRQ', datagram: Uint8Array): TftpRequest {
  const [file, mode, ...rest] = splitStrings(datagram.subarray(2));
  if (file === undefined || mode === undefined) throw new MalformedError(`TFTP ${op} without file name and mode`);
  return { op, file, mode, options: readOptions(rest) };
}

function readOptions(strings: readonly string[]): TftpOptions {
  const options = new Map<string, string>();
  for (let index = 0; index < strings.length; index += 2) {
    const name = (strings[index] ?? '').toLowerCase();
    // Some boot ROMs pad their requests with zeros.
    if (name === '') break;
    const value = strings[index + 1];
    if (value === undefined) throw new MalformedError(`TFTP option ${name} without a value`);
    if (!options.has(name)) options.set(name, value);
  }
  return options;
}

const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
const encoder = new TextEncoder();

/** Strings that each end in a zero byte. */
function splitStrings(bytes: Uint8Array): string[] {
  const strings: string[] = [];
  let start = 0;
  while (start < bytes.length) {
    const end = bytes.indexOf(0, start);
    if (end === -1) throw new MalformedError('TFTP string without its final zero');
    strings.push(decoder.decode(bytes.subarray(start, end)));
    start = end + 1;
  }
  return strings;
}

/** Some clients leave the final zero away here, or the message altogether. */
function errorMessage(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return decoder.decode(end === -1 ? bytes : bytes.subarray(0, end));
}

function concat(head: readonly number[], strings: readonly string[]): Uint8Array {
  const tail = encoder.encode(strings.map((text) => `${text}\0`).join(''));
  const packet = new Uint8Array(head.length + tail.length);
  packet.set(head);
  packet.set(tail, head.length);
  return packet;
}

function uint16(bytes: Uint8Array, offset: number): number {
  const high = bytes[offset];
  const low = bytes[offset + 1];
  if (high === undefined || low === undefined) throw new MalformedError(`TFTP packet of only ${bytes.length} bytes`);
  return (high << 8) | low;
}

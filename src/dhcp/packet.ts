import { MalformedError } from '../errors.ts';
import { ipv4FromBytes, ipv4ToBytes, type Ipv4 } from '../net/address.ts';
import { messageTypes, optionCode, readText, readU16, textBytes, type MessageType } from './options.ts';

/** Options by code, in the order of their first appearance; parts of one option are joined (RFC 3396). */
export type DhcpOptions = ReadonlyMap<number, Uint8Array>;

/** A DHCP message (RFC 2131 section 2). */
export interface DhcpPacket {
  /** 1 from clients (BOOTREQUEST), 2 from servers (BOOTREPLY). */
  readonly op: number;
  /** Hardware type of the ARP registry: 1 Ethernet, 32 InfiniBand. */
  readonly htype: number;
  readonly hops: number;
  readonly xid: number;
  /** Seconds since the client began. */
  readonly secs: number;
  /** Bit 15: the client wants broadcast replies. */
  readonly flags: number;
  readonly ciaddr: Ipv4;
  readonly yiaddr: Ipv4;
  readonly siaddr: Ipv4;
  readonly giaddr: Ipv4;
  /** As long as hlen says: 0 to 16 bytes. */
  readonly chaddr: Uint8Array;
  /** Latin-1, up to the first NUL; '' where the field was overloaded with options. */
  readonly sname: string;
  readonly file: string;
  readonly options: DhcpOptions;
}

/** Bytes written, and the options that found no room. */
export interface EncodedPacket {
  readonly bytes: Uint8Array;
  readonly omitted: readonly number[];
}

export const unspecified: Ipv4 = '0.0.0.0';
export const broadcastFlag = 0x8000;

const cookie = 0x63825363;
const cookieAt = 236;
const optionsAt = 240;
const snameAt = 44;
const snameSize = 64;
const fileAt = 108;
const fileSize = 128;
const pad = 0;
const end = 255;
/** BOOTP's minimum (RFC 1542 section 2.1); some relays and clients drop shorter ones. */
const minimumSize = 300;
const overloadFile = 1;
const overloadSname = 2;
const ipAndUdpHeaders = 28;
const leastMaximum = 576;
const ethernetMtu = 1500;

/**
 * Reads a datagram; throws a MalformedError, and nothing else, if it is no DHCP message. The packet's values are views of
 * `bytes`.
 */
export function decodePacket(bytes: Uint8Array): DhcpPacket {
  if (bytes.length < optionsAt) throw new MalformedError(`${bytes.length} bytes: a DHCP message has at least 240`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getUint32(cookieAt) !== cookie) throw new MalformedError('no DHCP magic cookie at offset 236');
  const op = view.getUint8(0);
  if (op !== 1 && op !== 2) throw new MalformedError(`op ${op} is neither BOOTREQUEST nor BOOTREPLY`);
  const hlen = view.getUint8(2);
  if (hlen > 16) throw new MalformedError(`hlen ${hlen} is more than the 16 bytes of chaddr`);
  const { options, overload } = readAllOptions(bytes);
  const address = (at: number): Ipv4 => ipv4FromBytes(bytes.subarray(at, at + 4));
  const text = (at: number, size: number, bit: number): string =>
    (overload & bit) !== 0 ? '' : readText(bytes.subarray(at, at + size));
  return {
    op,
    htype: view.getUint8(1),
    hops: view.getUint8(3),
    xid: view.getUint32(4),
    secs: view.getUint16(8),
    flags: view.getUint16(10),
    ciaddr: address(12),
    yiaddr: address(16),
    siaddr: address(20),
    giaddr: address(24),
    chaddr: bytes.subarray(28, 28 + hlen),
    sname: text(snameAt, snameSize, overloadSname),
    file: text(fileAt, fileSize, overloadFile),
    options,
  };
}

/** The options field, then `file`, then `sname` where option 52 says that they hold options (RFC 3396 section 5). */
function readAllOptions(bytes: Uint8Array): { options: DhcpOptions; overload: number } {
  const options = new Map<number, Uint8Array>();
  const repeated = new Map<number, Uint8Array[]>();
  const read = (from: number, to: number): void => {
    readOptions(bytes.subarray(from, to), options, repeated);
  };
  read(optionsAt, bytes.length);
  const overload = options.get(optionCode.overload)?.[0] ?? 0;
  if ((overload & overloadFile) !== 0) read(fileAt, fileAt + fileSize);
  if ((overload & overloadSname) !== 0) read(snameAt, snameAt + snameSize);
  for (const [code, parts] of repeated) options.set(code, concat([options.get(code) ?? new Uint8Array(), ...parts]));
  options.delete(optionCode.overload);
  return { options, overload };
}

/** Accepts a field that ends without End (255), as real servers must. Joining at each repeat would be quadratic. */
function readOptions(field: Uint8Array, options: Map<number, Uint8Array>, repeated: Map<number, Uint8Array[]>): void {
  let at = 0;
  while (at < field.length) {
    const code = field[at] ?? end;
    at += 1;
    if (code === end) return;
    if (code === pad) continue;
    const length = field[at];
    if (length === undefined || at + 1 + length > field.length) {
      throw new MalformedError(`option ${code} runs past the end of its field`);
    }
    const value = field.subarray(at + 1, at + 1 + length);
    const parts = repeated.get(code);
    if (!options.has(code)) options.set(code, value);
    else if (parts === undefined) repeated.set(code, [value]);
    else parts.push(value);
    at += 1 + length;
  }
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/**
 * Writes a message of at most `limit` bytes (see `replyLimit`), at least 300. Option 53 comes first and 82 last (RFC
 * 3046 section 2.2), the others in their order; values over 255 bytes are split (RFC 3396). What does not fit into the
 * options field goes into `file` and `sname` where these are empty (RFC 2131 section 4.1), else it is left out and named
 * in `omitted`: put what matters first. Texts that are too long for `sname` (63) or `file` (127) are cut.
 */
export function encodePacket(packet: DhcpPacket, limit = leastMaximum - ipAndUdpHeaders): EncodedPacket {
  const placed = placeOptions(packet, Math.max(limit, minimumSize));
  const bytes = new Uint8Array(Math.max(minimumSize, optionsAt + placed.options.length + 1));
  const view = new DataView(bytes.buffer);
  bytes.set([packet.op, packet.htype, packet.chaddr.length, packet.hops]);
  view.setUint32(4, packet.xid);
  view.setUint16(8, packet.secs);
  view.setUint16(10, packet.flags);
  bytes.set(ipv4ToBytes(packet.ciaddr), 12);
  bytes.set(ipv4ToBytes(packet.yiaddr), 16);
  bytes.set(ipv4ToBytes(packet.siaddr), 20);
  bytes.set(ipv4ToBytes(packet.giaddr), 24);
  bytes.set(packet.chaddr.subarray(0, 16), 28);
  bytes.set(placed.sname ?? textBytes(packet.sname).subarray(0, snameSize - 1), snameAt);
  bytes.set(placed.file ?? textBytes(packet.file).subarray(0, fileSize - 1), fileAt);
  view.setUint32(cookieAt, cookie);
  bytes.set(placed.options, optionsAt);
  bytes[optionsAt + placed.options.length] = end;
  return { bytes, omitted: placed.omitted };
}

interface Placed {
  readonly options: Uint8Array;
  readonly file?: Uint8Array;
  readonly sname?: Uint8Array;
  readonly omitted: readonly number[];
}

/** Fills the options field first; only if something is left over are three bytes of it given to option 52. */
function placeOptions(packet: DhcpPacket, limit: number): Placed {
  const wire = wireOrder(packet.options).map(([code, value]) => ({ code, bytes: splitOption(code, value) }));
  const room = limit - optionsAt - 1;
  const whole = fill(wire, room);
  if (whole.rest.length === 0) return { options: concat(whole.taken), omitted: [] };

  const main = fill(wire, room - 3);
  const file = fill(packet.file === '' ? main.rest : [], fileSize - 1);
  const left = packet.file === '' ? file.rest : main.rest;
  const sname = fill(packet.sname === '' ? left : [], snameSize - 1);
  const omitted = (packet.sname === '' ? sname.rest : left).map((option) => option.code);
  const overload = (file.taken.length > 0 ? overloadFile : 0) | (sname.taken.length > 0 ? overloadSname : 0);
  if (overload === 0) return { options: concat(whole.taken), omitted: whole.rest.map((option) => option.code) };
  const terminated = (parts: readonly Uint8Array[]): Uint8Array => concat([...parts, Uint8Array.of(end)]);
  const [first = new Uint8Array(), ...others] = main.taken;
  return {
    options: concat([first, Uint8Array.of(optionCode.overload, 1, overload), ...others]),
    ...(file.taken.length > 0 && { file: terminated(file.taken) }),
    ...(sname.taken.length > 0 && { sname: terminated(sname.taken) }),
    omitted,
  };
}

interface WireOption {
  readonly code: number;
  readonly bytes: Uint8Array;
}

function fill(options: readonly WireOption[], room: number): { taken: Uint8Array[]; rest: WireOption[] } {
  const taken: Uint8Array[] = [];
  const rest: WireOption[] = [];
  let left = room;
  for (const option of options) {
    if (option.bytes.length > left) rest.push(option);
    else {
      taken.push(option.bytes);
      left -= option.bytes.length;
    }
  }
  return { taken, rest };
}

function wireOrder(options: DhcpOptions): [number, Uint8Array][] {
  const rank = (code: number): number => (code === optionCode.messageType ? 0 : code === optionCode.relayAgent ? 2 : 1);
  const real = [...options].filter(([code]) => code !== pad && code !== end && code !== optionCode.overload);
  return real.sort(([a], [b]) => rank(a) - rank(b));
}

function splitOption(code: number, value: Uint8Array): Uint8Array {
  const parts: number[] = [];
  let at = 0;
  do {
    const part = value.subarray(at, at + 255);
    parts.push(code, part.length, ...part);
    at += 255;
  } while (at < value.length);
  return Uint8Array.from(parts);
}

/** The message type of option 53; undefined for plain BOOTP and for types that are none of RFC 2132's. */
export function messageType(packet: DhcpPacket): MessageType | undefined {
  const value = packet.options.get(optionCode.messageType);
  return value?.length === 1 ? messageTypes[value[0] ?? 0] : undefined;
}

/**
 * Bytes of UDP payload that the sender of `request` takes: option 57 counts the IP datagram (RFC 2132 section 9.10),
 * never less than 576, and we never go beyond what Ethernet carries unfragmented.
 */
export function replyLimit(request: DhcpPacket): number {
  const asked = readU16(request.options.get(optionCode.maximumSize)) ?? leastMaximum;
  return Math.min(Math.max(asked, leastMaximum), ethernetMtu) - ipAndUdpHeaders;
}

import { ipv4FromBytes, ipv4ToBytes, type Ipv4 } from '../net/address.ts';

/** How an option's bytes are read. `raw` is shown in hexadecimal. */
export type OptionKind =
  'ipv4' | 'ipv4-list' | 'u8' | 'u16' | 'u16-list' | 'u32' | 'text' | 'code-list' | 'message-type' | 'uuid' | 'raw';

interface OptionInfo {
  readonly code: number;
  readonly name: string;
  readonly kind: OptionKind;
  /** Where it is defined. */
  readonly rfc: string;
}

/** The codes that the server itself reads or writes. */
export const optionCode = {
  subnetMask: 1,
  router: 3,
  dnsServers: 6,
  hostName: 12,
  domainName: 15,
  broadcastAddress: 28,
  ntpServers: 42,
  vendorSpecific: 43,
  requestedAddress: 50,
  leaseTime: 51,
  overload: 52,
  messageType: 53,
  serverIdentifier: 54,
  parameterRequestList: 55,
  message: 56,
  maximumSize: 57,
  renewalTime: 58,
  rebindingTime: 59,
  vendorClass: 60,
  clientIdentifier: 61,
  tftpServerName: 66,
  bootFile: 67,
  userClass: 77,
  relayAgent: 82,
  clientArch: 93,
  clientUuid: 97,
  ipxe: 175,
} as const;

/** DHCP message types (RFC 2132 section 9.6; the index is the type). */
export const messageTypes = [
  undefined,
  'DISCOVER',
  'OFFER',
  'REQUEST',
  'DECLINE',
  'ACK',
  'NAK',
  'RELEASE',
  'INFORM',
] as const;

export type MessageType = NonNullable<(typeof messageTypes)[number]>;

/** The known options, as data: names and forms for logs, facts and summaries. Others are bytes to us, and stay so. */
export const optionRegistry: readonly OptionInfo[] = [
  { code: 1, name: 'subnet-mask', kind: 'ipv4', rfc: 'RFC 2132 3.3' },
  { code: 2, name: 'time-offset', kind: 'u32', rfc: 'RFC 2132 3.4' },
  { code: 3, name: 'router', kind: 'ipv4-list', rfc: 'RFC 2132 3.5' },
  { code: 4, name: 'time-server', kind: 'ipv4-list', rfc: 'RFC 2132 3.6' },
  { code: 6, name: 'dns-servers', kind: 'ipv4-list', rfc: 'RFC 2132 3.8' },
  { code: 7, name: 'log-server', kind: 'ipv4-list', rfc: 'RFC 2132 3.9' },
  { code: 12, name: 'host-name', kind: 'text', rfc: 'RFC 2132 3.14' },
  { code: 13, name: 'boot-file-size', kind: 'u16', rfc: 'RFC 2132 3.15' },
  { code: 15, name: 'domain-name', kind: 'text', rfc: 'RFC 2132 3.17' },
  { code: 17, name: 'root-path', kind: 'text', rfc: 'RFC 2132 3.19' },
  { code: 26, name: 'interface-mtu', kind: 'u16', rfc: 'RFC 2132 5.1' },
  { code: 28, name: 'broadcast-address', kind: 'ipv4', rfc: 'RFC 2132 5.3' },
  { code: 42, name: 'ntp-servers', kind: 'ipv4-list', rfc: 'RFC 2132 8.3' },
  { code: 43, name: 'vendor-specific', kind: 'raw', rfc: 'RFC 2132 8.4' },
  { code: 50, name: 'requested-address', kind: 'ipv4', rfc: 'RFC 2132 9.1' },
  { code: 51, name: 'lease-time', kind: 'u32', rfc: 'RFC 2132 9.2' },
  { code: 52, name: 'overload', kind: 'u8', rfc: 'RFC 2132 9.3' },
  { code: 53, name: 'message-type', kind: 'message-type', rfc: 'RFC 2132 9.6' },
  { code: 54, name: 'server-identifier', kind: 'ipv4', rfc: 'RFC 2132 9.7' },
  { code: 55, name: 'parameter-request-list', kind: 'code-list', rfc: 'RFC 2132 9.8' },
  { code: 56, name: 'message', kind: 'text', rfc: 'RFC 2132 9.9' },
  { code: 57, name: 'maximum-size', kind: 'u16', rfc: 'RFC 2132 9.10' },
  { code: 58, name: 'renewal-time', kind: 'u32', rfc: 'RFC 2132 9.11' },
  { code: 59, name: 'rebinding-time', kind: 'u32', rfc: 'RFC 2132 9.12' },
  { code: 60, name: 'vendor-class', kind: 'text', rfc: 'RFC 2132 9.13' },
  { code: 61, name: 'client-identifier', kind: 'raw', rfc: 'RFC 2132 9.14' },
  { code: 66, name: 'tftp-server-name', kind: 'text', rfc: 'RFC 2132 9.4' },
  { code: 67, name: 'boot-file', kind: 'text', rfc: 'RFC 2132 9.5' },
  { code: 77, name: 'user-class', kind: 'text', rfc: 'RFC 3004 4' },
  { code: 81, name: 'client-fqdn', kind: 'raw', rfc: 'RFC 4702 2' },
  { code: 82, name: 'relay-agent', kind: 'raw', rfc: 'RFC 3046 2.0' },
  { code: 93, name: 'client-arch', kind: 'u16-list', rfc: 'RFC 4578 2.1' },
  { code: 94, name: 'client-ndi', kind: 'raw', rfc: 'RFC 4578 2.2' },
  { code: 97, name: 'client-uuid', kind: 'uuid', rfc: 'RFC 4578 2.3' },
  { code: 119, name: 'domain-search', kind: 'raw', rfc: 'RFC 3397 2' },
  { code: 121, name: 'classless-routes', kind: 'raw', rfc: 'RFC 3442' },
  { code: 150, name: 'tftp-servers', kind: 'ipv4-list', rfc: 'RFC 5859 3' },
  { code: 175, name: 'ipxe', kind: 'raw', rfc: 'iPXE (not registered)' },
];

const byCode = new Map(optionRegistry.map((info) => [info.code, info]));

/** `67 boot-file`, or the bare number of an option that is not in the registry. */
export function optionName(code: number): string {
  const info = byCode.get(code);
  return info === undefined ? String(code) : `${code} ${info.name}`;
}

/** The value in plain words, by the option's kind; bytes that are not of that kind in hexadecimal. */
export function optionText(code: number, value: Uint8Array): string {
  return formats[byCode.get(code)?.kind ?? 'raw'](value) ?? toHex(value);
}

/** The options as text, for facts: name -> value. Long values are cut, and no more than any real client sends are shown. */
export function describeOptions(options: ReadonlyMap<number, Uint8Array>): Record<string, string> {
  const shown = Array.from(options).slice(0, mostShown);
  return Object.fromEntries(shown.map(([code, value]) => [optionName(code), shorten(optionText(code, value))]));
}

const mostShown = 40;
const longestText = 160;

function shorten(text: string): string {
  return text.length > longestText ? `${text.slice(0, longestText)}...` : text;
}

const formats: Readonly<Record<OptionKind, (value: Uint8Array) => string | undefined>> = {
  ipv4: readIpv4,
  'ipv4-list': (value) => list(value, 4, (part) => ipv4FromBytes(part)),
  u8: (value) => (value.length === 1 ? String(value[0]) : undefined),
  u16: (value) => readU16(value)?.toString(),
  'u16-list': (value) => list(value, 2, (part) => String(readU16(part))),
  u32: (value) => readU32(value)?.toString(),
  text: (value) => (value.every((byte) => byte >= 0x20 && byte < 0x7f) ? `'${readText(value)}'` : undefined),
  'code-list': (value) => Array.from(value).join(' '),
  'message-type': (value) => (value.length === 1 ? messageTypes[value[0] ?? 0] : undefined),
  uuid: readUuid,
  raw: () => undefined,
};

function list(value: Uint8Array, size: number, format: (part: Uint8Array) => string): string | undefined {
  if (value.length === 0 || value.length % size !== 0) return undefined;
  const parts = Array.from({ length: value.length / size }, (_, i) => value.subarray(i * size, (i + 1) * size));
  return parts.map(format).join(' ');
}

export function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** The address, or undefined if the option is absent or has another length. So for all the readers. */
export function readIpv4(value: Uint8Array | undefined): Ipv4 | undefined {
  return value?.length === 4 ? ipv4FromBytes(value) : undefined;
}

export function readU16(value: Uint8Array | undefined): number | undefined {
  const [high = 0, low = 0] = value ?? [];
  return value?.length === 2 ? high * 256 + low : undefined;
}

export function readU32(value: Uint8Array | undefined): number | undefined {
  return value?.length === 4 ? value.reduce((sum, byte) => sum * 256 + byte, 0) : undefined;
}

/** Latin-1 text up to the first NUL: some ROMs terminate what needs no terminator (RFC 2132 section 2). */
export function readText(value: Uint8Array): string {
  const end = value.indexOf(0);
  return String.fromCharCode(...(end < 0 ? value : value.subarray(0, end)));
}

/**
 * The SMBIOS UUID of option 97 (type 0) in the usual text form. Firmware sends the first three fields little-endian, as
 * SMBIOS stores them.
 */
export function readUuid(value: Uint8Array | undefined): string | undefined {
  if (value?.length !== 17 || value[0] !== 0) return undefined;
  const order = [4, 3, 2, 1, 6, 5, 8, 7, 9, 10, 11, 12, 13, 14, 15, 16];
  const digits = toHex(Uint8Array.from(order, (index) => value[index] ?? 0));
  return digits.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}

export function u16(value: number): Uint8Array {
  return Uint8Array.of(value >>> 8, value);
}

export function u32(value: number): Uint8Array {
  return Uint8Array.of(value >>> 24, value >>> 16, value >>> 8, value);
}

/** Latin-1 bytes; characters beyond it lose their high bits. */
export function textBytes(text: string): Uint8Array {
  return Uint8Array.from(text, (char) => char.charCodeAt(0));
}

export function addressBytes(addresses: readonly Ipv4[]): Uint8Array {
  return Uint8Array.from(addresses.flatMap((address) => Array.from(ipv4ToBytes(address))));
}

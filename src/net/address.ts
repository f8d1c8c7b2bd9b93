import { InputError } from '../errors.ts';

/** An IPv4 address in dotted decimal, as the whole product writes it. */
export type Ipv4 = string;

/** An IPv4 network: `172.31.128.0/24`. */
export interface Network {
  readonly cidr: string;
  readonly prefix: number;
  /** First and last address as numbers; the last is the broadcast address. */
  readonly first: number;
  readonly last: number;
}

/** Inclusive range of addresses. */
export interface AddressRange {
  readonly from: Ipv4;
  readonly to: Ipv4;
}

const octet = '(25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)';
const ipv4Pattern = new RegExp(`^${octet}(\\.${octet}){3}$`);

export function isIpv4(text: string): boolean {
  return ipv4Pattern.test(text);
}

/** The address as an unsigned 32-bit number. The text must be an address (`isIpv4`). */
export function ipv4ToNumber(address: Ipv4): number {
  return address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
}

export function numberToIpv4(value: number): Ipv4 {
  return [24, 16, 8, 0].map((shift) => (value >>> shift) & 255).join('.');
}

export function ipv4FromBytes(bytes: Uint8Array): Ipv4 {
  return Array.from(bytes.subarray(0, 4)).join('.');
}

export function ipv4ToBytes(address: Ipv4): Uint8Array {
  return Uint8Array.from(address.split('.'), Number);
}

/** Reads `ADDRESS/PREFIX`; throws an InputError naming `field`. Host bits are dropped. */
export function parseNetwork(cidr: string, field = 'network'): Network {
  const [address = '', bits = ''] = cidr.split('/');
  const prefix = Number(bits);
  if (!isIpv4(address) || !/^\d{1,2}$/.test(bits) || prefix > 32) {
    throw new InputError(field, `expected an IPv4 network such as 172.31.128.0/24, got '${cidr}'`);
  }
  const size = 2 ** (32 - prefix);
  const first = Math.floor(ipv4ToNumber(address) / size) * size;
  return { cidr: `${numberToIpv4(first)}/${prefix}`, prefix, first, last: first + size - 1 };
}

/** Whether the network holds the address; text that is no IPv4 address is in no network. */
export function networkContains(network: Network, address: string): boolean {
  if (!isIpv4(address)) return false;
  const value = ipv4ToNumber(address);
  return value >= network.first && value <= network.last;
}

/** The netmask of a network, in dotted decimal. */
export function netmask(network: Network): Ipv4 {
  return numberToIpv4(network.prefix === 0 ? 0 : (-1 << (32 - network.prefix)) >>> 0);
}

export function broadcastAddress(network: Network): Ipv4 {
  return numberToIpv4(network.last);
}

/** Plain IPv4 of a socket's peer: strips the IPv4-mapped IPv6 prefix (RFC 4291 section 2.5.5.2). */
export function peerAddress(remote: string | undefined): string {
  return (remote ?? '').replace(/^::ffff:/i, '');
}

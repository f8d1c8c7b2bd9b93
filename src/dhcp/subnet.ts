import { InputError } from '../errors.ts';
import {
  ipv4ToNumber,
  isIpv4,
  networkContains,
  numberToIpv4,
  type AddressRange,
  type Ipv4,
  type Network,
} from '../net/address.ts';

/** What we are on one network. Both switches: its DHCP server. Only `boot`: proxyDHCP. Neither: we only watch. */
export interface DhcpSubnet {
  readonly network: Network;
  /** Give addresses. */
  readonly addresses: boolean;
  /** Tell machines what to boot. */
  readonly boot: boolean;
  /** Addresses that may be given; our own and the router's are left out even where a pool holds them. */
  readonly pools: readonly AddressRange[];
  readonly router?: Ipv4;
  readonly dns: readonly Ipv4[];
  readonly domain?: string;
  readonly leaseSeconds: number;
  readonly ntp?: readonly Ipv4[];
  /** Another DHCP server that answers here: for its sake both switches are off, whatever the configuration says. */
  readonly silentFor?: Ipv4;
}

const leastLeaseSeconds = 60;
const mostLeaseSeconds = 31_536_000;
/** Bounds the search for a free address. */
const mostPoolAddresses = 1 << 20;

/** Checks subnets as they were configured; throws an InputError that names the field (`<field>[0].pools[1].to`). */
export function checkSubnets(subnets: readonly DhcpSubnet[], field: string): void {
  for (const [index, subnet] of subnets.entries()) {
    checkSubnet(subnet, `${field}[${index}]`);
    const twin = subnets.findIndex((other) => overlaps(subnet.network, other.network));
    if (twin !== index) throw new InputError(`${field}[${index}].cidr`, `overlaps ${field}[${twin}].cidr`);
  }
}

function checkSubnet(subnet: DhcpSubnet, field: string): void {
  const { pools, network, router, dns, ntp = [], leaseSeconds } = subnet;
  if (subnet.addresses && pools.length === 0) {
    throw new InputError(`${field}.pools`, 'expected at least one range, since addresses are to be given');
  }
  pools.forEach((pool, index) => {
    checkPool(pool, network, `${field}.pools[${index}]`);
    const twin = pools.findIndex((other) => !isAfter(other, pool) && !isAfter(pool, other));
    if (twin !== index) throw new InputError(`${field}.pools[${index}]`, `overlaps ${field}.pools[${twin}]`);
  });
  if (poolSize(subnet) > mostPoolAddresses) {
    throw new InputError(`${field}.pools`, `expected at most ${mostPoolAddresses} addresses, got ${poolSize(subnet)}`);
  }
  if (router !== undefined && !networkContains(network, router)) {
    throw new InputError(`${field}.router`, `expected an address inside ${network.cidr}, got '${router}'`);
  }
  for (const [name, list] of Object.entries({ dns, ntp })) {
    const wrong = list.find((address) => !isIpv4(address));
    if (wrong !== undefined) throw new InputError(`${field}.${name}`, `expected IPv4 addresses, got '${wrong}'`);
  }
  if (!Number.isInteger(leaseSeconds) || leaseSeconds < leastLeaseSeconds || leaseSeconds > mostLeaseSeconds) {
    throw new InputError(
      `${field}.leaseSeconds`,
      `expected a whole number of seconds from ${leastLeaseSeconds} to ${mostLeaseSeconds}, got ${leaseSeconds}`,
    );
  }
}

function checkPool(pool: AddressRange, network: Network, field: string): void {
  for (const end of ['from', 'to'] as const) {
    const address = pool[end];
    if (!networkContains(network, address)) {
      throw new InputError(`${field}.${end}`, `expected an address inside ${network.cidr}, got '${address}'`);
    }
    const value = ipv4ToNumber(address);
    if (network.prefix < 31 && (value === network.first || value === network.last)) {
      throw new InputError(`${field}.${end}`, `${address} is the network or broadcast address of ${network.cidr}`);
    }
  }
  if (ipv4ToNumber(pool.from) > ipv4ToNumber(pool.to)) {
    throw new InputError(`${field}.to`, `expected an address not before ${pool.from}, got '${pool.to}'`);
  }
}

function isAfter(a: AddressRange, b: AddressRange): boolean {
  return ipv4ToNumber(a.from) > ipv4ToNumber(b.to);
}

function overlaps(a: Network, b: Network): boolean {
  return a.first <= b.last && b.first <= a.last;
}

/** The subnet that holds the address, if any. */
export function subnetOf(subnets: readonly DhcpSubnet[], address: Ipv4): DhcpSubnet | undefined {
  return subnets.find((subnet) => networkContains(subnet.network, address));
}

/** How many addresses the pools hold, our own and the router's included. */
export function poolSize(subnet: DhcpSubnet): number {
  return subnet.pools.reduce((sum, pool) => sum + ipv4ToNumber(pool.to) - ipv4ToNumber(pool.from) + 1, 0);
}

/** The address at `index` (0 .. poolSize-1) of the pools taken together. */
export function poolAddress(subnet: DhcpSubnet, index: number): Ipv4 {
  let left = index;
  for (const pool of subnet.pools) {
    const size = ipv4ToNumber(pool.to) - ipv4ToNumber(pool.from) + 1;
    if (left < size) return numberToIpv4(ipv4ToNumber(pool.from) + left);
    left -= size;
  }
  throw new RangeError(`index ${index} is outside the pools`);
}

export function inPools(subnet: DhcpSubnet, address: Ipv4): boolean {
  const value = ipv4ToNumber(address);
  return subnet.pools.some((pool) => value >= ipv4ToNumber(pool.from) && value <= ipv4ToNumber(pool.to));
}

import type { NetworkInterfaceInfo } from 'node:os';
import { RackwrightError } from '../errors.ts';
import { isIpv4, networkContains, parseNetwork, type Ipv4, type Network } from './address.ts';

/** What `os.networkInterfaces()` answers. */
export type Interfaces = Readonly<Record<string, readonly NetworkInterfaceInfo[] | undefined>>;

/** The interface that nodes boot from, with the server's own address and network on it. */
export interface LocalNetwork {
  readonly interface: string;
  readonly address: Ipv4;
  readonly network: Network;
}

/**
 * Finds the southbound network by interface name, by address, or by both. Throws a RackwrightError that lists what
 * there is when the machine has no such interface or address.
 */
export function findLocalNetwork(
  wanted: { interface?: string | undefined; address?: Ipv4 | undefined },
  interfaces: Interfaces,
): LocalNetwork {
  const all = Object.entries(interfaces).flatMap(([name, infos]) =>
    (infos ?? []).filter(({ address }) => isIpv4(address)).map((info) => ({ name, info })),
  );
  const found = all.find(
    ({ name, info }) =>
      (wanted.interface === undefined || wanted.interface === name) &&
      (wanted.address === undefined || wanted.address === info.address || isOnLoopback(info, wanted.address)),
  );
  if (!found) {
    const have = all.map(({ name, info }) => `${name} ${info.cidr ?? info.address}`).join(', ');
    const what = [
      wanted.interface === undefined ? undefined : `interface ${wanted.interface}`,
      wanted.address === undefined ? undefined : `address ${wanted.address}`,
    ].filter((text) => text !== undefined);
    throw new RackwrightError(
      'no-interface',
      `southbound: this machine has no ${what.join(' with ')}; it has ${have || 'no IPv4 address'}`,
    );
  }
  const { name, info } = found;
  const network = parseNetwork(info.cidr ?? `${info.address}/32`);
  return { interface: name, address: wanted.address ?? info.address, network };
}

/** Every address of the loopback network is the machine's own, whether or not an interface lists it. */
function isOnLoopback(info: NetworkInterfaceInfo, address: Ipv4): boolean {
  return info.internal && networkContains(parseNetwork(info.cidr ?? `${info.address}/32`), address);
}

import { InputError } from '../errors.ts';
import { findLocalNetwork, type Interfaces, type LocalNetwork } from '../net/interfaces.ts';
import { networkContains, parseNetwork, type AddressRange, type Network } from '../net/address.ts';
import type { Config, SubnetConfig } from '../config-schema.ts';
import { checkSubnets, type DhcpSubnet } from '../dhcp/subnet.ts';

/** The boot network as configured and found on this machine. */
export interface Southbound {
  readonly local: LocalNetwork;
  readonly subnets: readonly DhcpSubnet[];
}

const bootRoles = ['dhcp', 'tftp', 'southbound'] as const;

/**
 * Finds the boot network, or undefined where no role needs one. With no subnet configured the interface's own network is
 * observed: nothing is answered until a subnet says so. Throws what is wrong with interface, address or subnets.
 */
export function findSouthbound(config: Config, interfaces: Interfaces): Southbound | undefined {
  if (!config.roles.some((role) => bootRoles.some((boot) => boot === role))) return undefined;
  const { interface: name, address } = config.southbound;
  if (name === undefined && address === undefined) {
    throw new InputError('southbound.interface', 'expected the interface that nodes boot from (or southbound.address)');
  }
  const local = findLocalNetwork({ interface: name, address }, interfaces);
  const configured = configuredSubnets(config);
  return { local, subnets: configured.length > 0 ? configured : [observed(local.network)] };
}

/** The subnets of the configuration. Throws an InputError where one is wrong in itself, or beside the others. */
export function configuredSubnets({ southbound }: Config): DhcpSubnet[] {
  const subnets = southbound.subnets.map((subnet, index) => dhcpSubnet(subnet, `southbound.subnets[${index}]`));
  checkSubnets(subnets, 'southbound.subnets');
  return subnets;
}

/** Whether a peer is on the boot network: the southbound listener takes only these, the admin listener none of them. */
export function isSouthboundPeer(southbound: Southbound | undefined, peer: string): boolean {
  return southbound?.subnets.some(({ network }) => networkContains(network, peer)) ?? false;
}

/** Networks that the configuration lists by CIDR. */
export function parseNetworks(cidrs: readonly string[], field: string): Network[] {
  return cidrs.map((cidr, index) => parseNetwork(cidr, `${field}[${index}]`));
}

function dhcpSubnet(subnet: SubnetConfig, field: string): DhcpSubnet {
  const { cidr, pools, router, domain, ...rest } = subnet;
  return {
    ...rest,
    network: parseNetwork(cidr, `${field}.cidr`),
    pools: pools.map(parseRange),
    ...(router === undefined ? {} : { router }),
    ...(domain === undefined ? {} : { domain }),
  };
}

function parseRange(text: string): AddressRange {
  const [from = '', to = ''] = text.split('-').map((part) => part.trim());
  return { from, to };
}

function observed(network: Network): DhcpSubnet {
  return { network, addresses: false, boot: false, pools: [], dns: [], leaseSeconds: 3600 };
}

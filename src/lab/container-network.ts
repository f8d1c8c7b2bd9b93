import { readFile } from 'node:fs/promises';
import { networkInterfaces } from 'node:os';
import { RackwrightError } from '../errors.ts';
import type { Ipv4 } from '../net/address.ts';
import { isIpv4 } from '../net/address.ts';
import type { SpawnProcess } from './children.ts';
import type { LabNetwork } from './network.ts';
import { advertiseRouter, bridgeType, tapName } from './network.ts';
import { romMask } from './rom-mask.ts';
import { runOk } from './run.ts';

/** The container's own place on the network that its node boots from. */
export interface ContainerAddress {
  readonly address: Ipv4;
  readonly netmask: Ipv4;
  /** With its prefix length, as `ip` writes it. */
  readonly cidr: string;
  readonly mac: string;
}

export interface ContainerNetworkDeps {
  readonly dir: string;
  readonly spawn: SpawnProcess;
  readonly uplink: string;
  readonly say: (line: string) => void;
}

/** Bridge of the node's tap and the container's interface. */
const bridge = 'br0';
/** Where router advertisements come from, and its port at the bridge. */
const router = { device: 'ra0', port: 'ra0-port' } as const;

/** Reads the address that the engine gave the interface. Throws code `no-interface`. */
export function containerAddress(uplink: string): ContainerAddress {
  const found = networkInterfaces()[uplink]?.find(({ address }) => isIpv4(address));
  if (found?.cidr === undefined || found.cidr === null) {
    throw new RackwrightError('no-interface', `this container has no interface ${uplink} with an IPv4 address`);
  }
  return { address: found.address, netmask: found.netmask, cidr: found.cidr, mac: found.mac };
}

/**
 * Puts the node onto the container's network: interface and tap become ports of a bridge, so that the node is there with
 * a MAC of its own. The container's address moves to the bridge and is the BMC's. Needs NET_ADMIN.
 */
export async function bridgeContainer(own: ContainerAddress, deps: ContainerNetworkDeps): Promise<LabNetwork> {
  const { uplink } = deps;
  const ip = async (...lines: string[]): Promise<void> => {
    await runOk(['ip', '-batch', '-'], { input: `${lines.join('\n')}\n` });
  };
  const nft = async (input: string): Promise<void> => {
    await runOk(['nft', '-f', '-'], { input });
  };
  await ip(
    `link add ${bridge} address ${own.mac} ${bridgeType}`,
    `addr flush dev ${uplink}`,
    `link set ${uplink} master ${bridge}`,
    `link set ${bridge} up`,
    `addr add ${own.cidr} dev ${bridge}`,
  );
  if (await hasIpv6()) {
    await ip(...routerLink(uplink));
    await advertiseRouter({ dir: deps.dir, spawn: deps.spawn, interface: router.device });
  } else {
    deps.say('this container has no IPv6: an iPXE that came with the card waits 13 s for an IPv6 router in each boot');
  }
  return {
    addTap: async (node) => {
      const tap = tapName(node);
      await ip(`tuntap add dev ${tap} mode tap`, `link set ${tap} master ${bridge} up`);
      return tap;
    },
    // The container's own is the BMC's.
    addBmcAddress: () => Promise.resolve(),
    maskRom: async (node) => {
      await nft(romMask(node, tapName(node)).ruleset);
    },
    armMask: async (node) => {
      await nft(romMask(node, tapName(node)).arm);
    },
  };
}

/**
 * A router for the node alone: isolated ports do not talk to each other, so that no advertisement leaves the container,
 * where the machine beneath would take an address of it.
 */
function routerLink(uplink: string): string[] {
  return [
    `link add ${router.device} type veth peer name ${router.port}`,
    `link set ${router.port} master ${bridge} up`,
    `link set ${router.port} type bridge_slave isolated on`,
    `link set ${uplink} type bridge_slave isolated on`,
    `link set ${router.device} up`,
    `addr add fd00:77::1/64 dev ${router.device} nodad`,
  ];
}

/** Engines switch IPv6 off in containers whose networks have none. */
async function hasIpv6(): Promise<boolean> {
  const setting = await readFile('/proc/sys/net/ipv6/conf/default/disable_ipv6', 'utf8').catch(() => '1');
  return setting.trim() === '0';
}

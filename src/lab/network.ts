import { join } from 'node:path';
import type { SpawnProcess } from './children.ts';
import { bmcNetwork, provisioning } from './identity.ts';
import { romMask } from './rom-mask.ts';
import { runOk } from './run.ts';
import { waitForLine } from './serial.ts';
import type { LabPaths } from './state.ts';

/** Frames to 01:80:c2:00:00:0e (LLDP) are eaten by a bridge unless this bit is set (14, of the address's last digit). */
const forwardLldp = '0x4000';

/** A bridge as `ip link add` wants it: forwards from the first moment, and LLDP as well. */
export const bridgeType = `type bridge stp_state 0 forward_delay 0 mcast_snooping 0 group_fwd_mask ${forwardLldp}`;

/** The two networks of a lab, with nobody on them yet but the machine itself. */
export interface LabNetwork {
  /** Makes the tap of a node's NIC, on the provisioning bridge. */
  readonly addTap: (node: number) => Promise<string>;
  /** Gives a BMC its address. */
  readonly addBmcAddress: (address: string) => Promise<void>;
  /** Makes the node's boot ROM look like one that is not iPXE. */
  readonly maskRom: (node: number) => Promise<void>;
  /** Arms the mask again: before each power-on and after each reset. */
  readonly armMask: (node: number) => Promise<void>;
}

export interface NetworkDeps {
  readonly paths: LabPaths;
  readonly enter: readonly string[];
  readonly spawn: SpawnProcess;
}

/** Name of the tap of a node's first NIC. */
export function tapName(node: number): string {
  return `tap${node}.0`;
}

/** Makes bridges and router advertisements inside the namespace. */
export async function createNetwork(deps: NetworkDeps): Promise<LabNetwork> {
  const ip = async (...lines: string[]): Promise<void> => {
    await runOk([...deps.enter, 'ip', '-batch', '-'], { input: `${lines.join('\n')}\n` });
  };
  const nft = async (input: string): Promise<void> => {
    await runOk([...deps.enter, 'nft', '-f', '-'], { input });
  };
  await ip(
    'link set lo up',
    ...bridge(provisioning.bridge, provisioning.address),
    ...bridge(bmcNetwork.bridge, bmcNetwork.address),
    // While every node is off all taps are dead, and a bridge whose ports are all dead does not count as running.
    'link add live type veth peer name live-peer',
    `link set live master ${provisioning.bridge} up`,
    // Its peer lies in the same namespace, which would get each broadcast twice.
    'link set live type bridge_slave flood off mcast_flood off bcast_flood off',
    'link set live-peer up',
    `addr add fd00:77::1/64 dev ${provisioning.bridge} nodad`,
  );
  await advertiseRouter({ dir: deps.paths.dir, spawn: deps.spawn, interface: provisioning.bridge });
  return {
    addTap: async (node) => {
      const tap = tapName(node);
      await ip(`tuntap add dev ${tap} mode tap`, `link set ${tap} master ${provisioning.bridge} up`);
      return tap;
    },
    addBmcAddress: async (address) => {
      await ip(`addr add ${address}/24 dev ${bmcNetwork.bridge}`);
    },
    maskRom: async (node) => {
      await nft(romMask(node, tapName(node)).ruleset);
    },
    armMask: async (node) => {
      await nft(romMask(node, tapName(node)).arm);
    },
  };
}

function bridge(name: string, address: string): string[] {
  return [`link add ${name} ${bridgeType}`, `addr add ${address}/24 dev ${name}`, `link set ${name} up`];
}

/**
 * A router advertisement and nothing else (no DHCP). QEMU's iPXE solicits an IPv6 router in every boot before it goes on
 * with its IPv4 lease; where none answers it waits 13 s. The interface has an address of fd00:77::/64.
 */
export async function advertiseRouter(deps: {
  readonly dir: string;
  readonly spawn: SpawnProcess;
  readonly interface: string;
}): Promise<void> {
  const logFile = join(deps.dir, 'router.log');
  // --no-daemon: it keeps its user, which it may not change in a user namespace.
  const options = [
    '--conf-file=/dev/null',
    '--port=0',
    `--interface=${deps.interface}`,
    '--except-interface=lo',
    '--bind-interfaces',
    '--enable-ra',
    '--dhcp-range=fd00:77::,ra-only',
    `--dhcp-leasefile=${join(deps.dir, 'router.leases')}`,
  ];
  await deps.spawn({
    name: 'router',
    argv: ['dnsmasq', '--no-daemon', '--log-facility=-', ...options],
    logFile,
  });
  await waitForLine(logFile, /router advertisement/, { from: 0, deadlineMs: 5_000 });
}

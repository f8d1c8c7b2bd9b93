import { rmSync } from 'node:fs';
import { InputError } from '../errors.ts';
import { ipv4ToBytes } from '../net/address.ts';
import { designMember, installMember } from './build-node.ts';
import { createChildren } from './children.ts';
import { bridgeContainer, containerAddress } from './container-network.ts';
import type { ContainerAddress } from './container-network.ts';
import { createControl } from './control.ts';
import { controlRoutes, controlStreams } from './control-routes.ts';
import type { LabEvent } from './events.ts';
import { createLabEvents } from './events.ts';
import type { NodeIdentity } from './identity.ts';
import { nodeIdentity } from './identity.ts';
import type { DiskBus, LabOptions, NodeKind, NodeSpec } from './options.ts';
import { defaultOptions } from './options.ts';
import { claimDirectory, labPaths } from './state.ts';
import type { LabStatus } from './status.ts';
import { nodeStatus } from './status.ts';

export interface ContainerNodeOptions {
  readonly kind: NodeKind;
  readonly memoryMib: number;
  readonly diskBus: DiskBus;
  readonly diskGib: number;
  readonly bootOrder: LabOptions['bootOrder'];
  /** The container's interface on the network that the node boots from. */
  readonly uplink: string;
}

export interface ContainerNode {
  readonly identity: NodeIdentity;
  /** Gets the serial line's bytes, appended. */
  readonly serialLog: string;
  readonly powerOn: () => Promise<void>;
  /** Powers the node off and ends its BMC. The disk stays. */
  readonly stop: () => Promise<void>;
}

/**
 * Makes a container a virtual server that is off: QEMU on the container's own network, its BMC on the container's own address. A
 * container that is started again finds the disk as it was. Throws where the network cannot be bridged or the BMC does
 * not start.
 */
export async function startContainerNode(
  options: ContainerNodeOptions,
  deps: { readonly now: () => Date; readonly onEvent: (event: LabEvent) => void; readonly say: (line: string) => void },
): Promise<ContainerNode> {
  const paths = labPaths('node');
  claimDirectory(paths);
  rmSync(paths.control, { force: true });
  const own = containerAddress(options.uplink);
  const identity = containerIdentity(own);
  const events = createLabEvents(deps.now);
  events.follow(deps.onEvent);
  const { spawn } = createChildren({ paths, enter: [] });
  const network = await bridgeContainer(own, { dir: paths.dir, spawn, uplink: options.uplink, say: deps.say });
  const spec: NodeSpec = { kind: options.kind, disks: [{ bus: options.diskBus, gib: options.diskGib }] };
  const lab: LabOptions = {
    ...defaultOptions,
    ...{ name: 'node', nodes: [spec], serverCommand: [], microkernelDir: '' },
    ...{ memoryMib: options.memoryMib, bootOrder: options.bootOrder },
  };
  const memberDeps = { options: lab, paths, network, spawn, emit: events.emit, now: deps.now };
  const member = designMember(memberDeps, identity, spec);
  const members = [member];
  const status = (): LabStatus => ({ name: 'node', directory: paths.dir, enter: [], nodes: members.map(nodeStatus) });
  const routes = controlRoutes({ members, server: () => undefined, status });
  const control = await createControl(paths.control, routes, controlStreams(events));
  await installMember(memberDeps, member);
  return {
    identity,
    serialLog: member.node.machine.files.serialLog,
    powerOn: member.node.powerOn,
    stop: async () => {
      await member.node.powerOff();
      await control.close();
    },
  };
}

/**
 * A node is who its container's address says, so that it stays the same machine in a container made anew: the last byte
 * less 10 is its number. Throws an InputError for addresses without one.
 */
export function containerIdentity(own: ContainerAddress): NodeIdentity {
  const number = (ipv4ToBytes(own.address)[3] ?? 0) - 10;
  if (number < 1 || number > 200) {
    throw new InputError('address', `expected a last byte from 11 (node 1) to 210 (node 200), got ${own.address}`);
  }
  return {
    ...nodeIdentity(number),
    ...{ bmcAddress: own.address, bmcMac: own.mac, bmcNetmask: own.netmask, bmcGateway: '0.0.0.0' },
  };
}

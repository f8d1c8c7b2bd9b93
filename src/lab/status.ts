import type { Member } from './build-node.ts';
import type { DiskBus, NodeKind } from './options.ts';
import type { Power } from './node.ts';
import type { LabServer } from './server.ts';

/** What `lab status` shows, and what a client of the lab needs to know. */
export interface LabStatus {
  readonly name: string;
  readonly directory: string;
  /** The server's admin side, from the machine itself; none where the lab runs no server. */
  readonly url?: string;
  /** Arguments in front of a command that make it run inside the lab. */
  readonly enter: readonly string[];
  readonly server?: { readonly running: boolean; readonly pid?: number };
  readonly nodes: readonly NodeStatus[];
}

export interface NodeStatus {
  readonly number: number;
  readonly kind: NodeKind;
  readonly disks: readonly { readonly bus: DiskBus; readonly gib: number; readonly serial: string }[];
  readonly power: Power;
  readonly mac: string;
  readonly uuid: string;
  readonly bmcAddress: string;
  readonly serialLog: string;
  /** How often its BMC was told to change something. */
  readonly bmcCommands: number;
}

export function nodeStatus({ node, chassis }: Member): NodeStatus {
  const { kind, identity, files, disks } = node.machine;
  return {
    number: identity.number,
    kind,
    disks: disks.map(({ bus, gib, serial }) => ({ bus, gib, serial })),
    power: node.power(),
    mac: identity.mac,
    uuid: identity.uuid,
    bmcAddress: identity.bmcAddress,
    serialLog: files.serialLog,
    bmcCommands: chassis.effects().length,
  };
}

export function serverStatus(server: LabServer): NonNullable<LabStatus['server']> {
  const pid = server.pid();
  return { running: server.running(), ...(pid === undefined ? {} : { pid }) };
}

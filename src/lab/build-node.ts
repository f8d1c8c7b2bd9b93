import { existsSync } from 'node:fs';
import { copyFile, mkdir } from 'node:fs/promises';
import { startBmc } from './bmc.ts';
import type { Chassis } from './chassis.ts';
import { createChassis } from './chassis.ts';
import type { SpawnProcess } from './children.ts';
import type { LabEventBody } from './events.ts';
import type { NodeIdentity } from './identity.ts';
import type { LabNetwork } from './network.ts';
import { tapName } from './network.ts';
import type { LabNode } from './node.ts';
import { createNode } from './node.ts';
import type { LabOptions, NodeKind } from './options.ts';
import type { Machine } from './qemu.ts';
import { machineFiles, ovmf } from './qemu.ts';
import { runOk } from './run.ts';
import type { LabPaths } from './state.ts';

/** A virtual server with its BMC. */
export interface Member {
  readonly node: LabNode;
  readonly chassis: Chassis;
}

export interface MemberDeps {
  readonly options: LabOptions;
  readonly paths: LabPaths;
  readonly network: LabNetwork;
  readonly spawn: SpawnProcess;
  readonly emit: (event: LabEventBody) => void;
  readonly now: () => Date;
}

/** Mainboard and chassis control of a node; nothing is made yet. */
export function designMember(deps: MemberDeps, identity: NodeIdentity, kind: NodeKind): Member {
  const { options, network } = deps;
  const { number } = identity;
  const machine: Machine = {
    kind,
    identity,
    memoryMib: options.memoryMib,
    diskBus: options.diskBus,
    tap: tapName(number),
    files: machineFiles(deps.paths.dir, number),
  };
  const node = createNode({
    machine,
    bootOrder: options.bootOrder,
    spawn: deps.spawn,
    beforeBoot: async () => {
      if (kind === 'bios') await network.armMask(number);
    },
    emit: deps.emit,
    now: deps.now,
  });
  return { node, chassis: createChassis({ node, emit: deps.emit, now: deps.now }) };
}

/** Puts the node into the rack: disk, firmware variables, cable, BMC. It stays off. What is there already is kept. */
export async function installMember(deps: MemberDeps, { node }: Member): Promise<void> {
  const { kind, identity, files } = node.machine;
  await mkdir(files.dir, { recursive: true });
  if (!existsSync(files.disk)) {
    await runOk(['qemu-img', 'create', '-q', '-f', 'qcow2', files.disk, `${deps.options.diskGib}G`]);
  }
  if (kind === 'uefi' && !existsSync(files.variables)) await copyFile(ovmf.variables, files.variables);
  await deps.network.addTap(identity.number);
  if (kind === 'bios') await deps.network.maskRom(identity.number);
  await deps.network.addBmcAddress(identity.bmcAddress);
  await startBmc({ identity, nodeDir: files.dir, controlSocket: deps.paths.control, spawn: deps.spawn });
}

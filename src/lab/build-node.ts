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
import type { LabOptions, NodeSpec } from './options.ts';
import type { Machine } from './qemu.ts';
import { machineDisks, machineFiles, ovmf } from './qemu.ts';
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
export function designMember(deps: MemberDeps, identity: NodeIdentity, spec: NodeSpec): Member {
  const { options, network } = deps;
  const { number } = identity;
  const { kind } = spec;
  const files = machineFiles(deps.paths.dir, number);
  const disks = spec.disks.map(({ bus, gib = options.diskGib }) => ({ bus, gib }));
  const machine: Machine = {
    kind,
    identity,
    memoryMib: options.memoryMib,
    disks: machineDisks(files, identity, disks),
    bmc: spec.bmc ?? true,
    tap: tapName(number),
    files,
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

/** Puts the node into the rack: disks, firmware variables, cable, BMC (if it has one). It stays off. What is there already is kept. */
export async function installMember(deps: MemberDeps, { node }: Member): Promise<void> {
  const { kind, identity, files, disks, bmc } = node.machine;
  await mkdir(files.dir, { recursive: true });
  for (const { file, gib } of disks.filter((disk) => !existsSync(disk.file))) {
    await runOk(['qemu-img', 'create', '-q', '-f', 'qcow2', file, `${gib}G`]);
  }
  if (kind === 'uefi' && !existsSync(files.variables)) await copyFile(ovmf.variables, files.variables);
  await deps.network.addTap(identity.number);
  if (kind === 'bios') await deps.network.maskRom(identity.number);
  if (!bmc) return;
  await deps.network.addBmcAddress(identity.bmcAddress);
  await startBmc({ identity, nodeDir: files.dir, controlSocket: deps.paths.control, spawn: deps.spawn });
}

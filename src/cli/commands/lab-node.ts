import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { Command, Option } from 'commander';
import { startContainerNode } from '../../lab/container-node.ts';
import type { LabEvent } from '../../lab/events.ts';
import type { DiskBus, LabOptions, NodeKind } from '../../lab/options.ts';
import { bootOrders, defaultOptions, diskBuses, nodeKinds } from '../../lab/options.ts';
import { wholeNumber } from '../whole-number.ts';

interface NodeFlags {
  readonly uplink: string;
  readonly kind: NodeKind;
  readonly memory: number;
  readonly disk: number;
  readonly diskBus: DiskBus;
  readonly bootOrder: LabOptions['bootOrder'];
  readonly power: boolean;
}

/** `rackwright lab node`: what a container of the compose file's profile `lab` runs. */
export function nodeCommand(): Command {
  return new Command('node')
    .description('be one virtual server with its BMC; for containers: it takes over the interface it is given')
    .requiredOption('--uplink <interface>', "the container's interface on the network that the node boots from")
    .addOption(new Option('--kind <kind>', 'firmware').choices(nodeKinds).default('bios'))
    .option('--memory <MiB>', 'memory', wholeNumber('memory', 512), defaultOptions.memoryMib)
    .option('--disk <GiB>', 'size of its disk', wholeNumber('disk', 1), defaultOptions.diskGib)
    .addOption(new Option('--disk-bus <bus>', 'kind of its disk').choices(diskBuses).default('virtio'))
    .addOption(
      new Option('--boot-order <order>', 'permanent order: n network, c disk')
        .choices(bootOrders)
        .default(defaultOptions.bootOrder),
    )
    .option('--no-power', 'leave it off until it is powered on over IPMI')
    .action(runNode);
}

/** Runs until it is told to stop. The serial line goes to standard output, and what happens to standard error. */
async function runNode(flags: NodeFlags): Promise<void> {
  const stopped = Promise.race([once(process, 'SIGTERM'), once(process, 'SIGINT')]);
  const say = (line: string): void => {
    console.error(`rackwright: ${line}`);
  };
  const { uplink, kind, memory, disk, diskBus, bootOrder } = flags;
  const node = await startContainerNode(
    { uplink, kind, memoryMib: memory, diskGib: disk, diskBus, bootOrder },
    {
      now: () => new Date(),
      say,
      onEvent: (event) => {
        const line = eventText(event);
        if (line !== undefined) say(line);
      },
    },
  );
  say(`node ${node.identity.number}, ${kind}, MAC ${node.identity.mac}, BMC ${node.identity.bmcAddress}`);
  writeFileSync(node.serialLog, '', { flag: 'a' });
  const serial = spawn('tail', ['-n', '0', '-F', node.serialLog], { stdio: ['ignore', 'inherit', 'inherit'] });
  if (flags.power) await node.powerOn();
  await stopped;
  serial.kill();
  await node.stop();
  process.exit(0);
}

function eventText(event: LabEvent): string | undefined {
  switch (event.kind) {
    case 'power':
      return `power ${event.power} (${event.cause})`;
    case 'reset':
      return `reset (${event.cause})`;
    case 'bmc':
      return `the BMC was told: ${event.command}`;
    case 'boot-device':
      return `boots once from: ${event.device}`;
    case 'trouble':
      return event.text;
    default:
      return undefined;
  }
}

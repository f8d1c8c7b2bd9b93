import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join, resolve } from 'node:path';
import { Command, Option } from 'commander';
import { InputError } from '../../errors.ts';
import { controlServer, labStatus, stopLab } from '../../lab/attach.ts';
import { findCapability } from '../../lab/capability.ts';
import type { LabOptions } from '../../lab/options.ts';
import { bootOrders, defaultOptions, nodeSpec, parseLabName, parseNodes } from '../../lab/options.ts';
import { createPainter } from '../../lab/painter.ts';
import { bootView } from '../../lab/screen.ts';
import type { LabStatus } from '../../lab/status.ts';
import { nodesTable } from '../../model/nodes-table.ts';
import { textTable } from '../../model/text-table.ts';
import type { UpResult } from '../../lab/up.ts';
import { bringUp } from '../../lab/up.ts';
import { printable } from '../server-option.ts';
import { wholeNumber } from '../whole-number.ts';
import { labDeployCommand } from './lab-deploy.ts';
import { nodeCommand } from './lab-node.ts';

/** Runs the same chain with so many nodes that are programs; true where all of them were discovered. */
export type RunSimulated = (nodes: number, options: { readonly json: boolean }) => Promise<boolean>;

const projectRoot = resolve(import.meta.dirname, '../../..');

/** `rackwright lab up|down|status|server|exec|deploy|node`: virtual servers on this machine. */
export function labCommand(runSimulated: RunSimulated): Command {
  return new Command('lab')
    .description('virtual servers on this machine, booted by a server of their own')
    .addCommand(upCommand(runSimulated))
    .addCommand(downCommand())
    .addCommand(statusCommand())
    .addCommand(serverCommand())
    .addCommand(execCommand())
    .addCommand(labDeployCommand(projectRoot, { name: nameOption, json: jsonOption }))
    .addCommand(nodeCommand());
}

const nameOption = (): Option =>
  new Option('--name <name>', 'which lab').default(defaultOptions.name).argParser(parseLabName);
const jsonOption = (): Option => new Option('--json', 'print JSON').default(false);

interface UpFlags {
  readonly name: string;
  readonly nodes: LabOptions['nodes'];
  readonly memory: number;
  readonly bootOrder: LabOptions['bootOrder'];
  readonly store: LabOptions['store'];
  readonly mongodbUrl?: string;
  readonly port: number;
  readonly power: boolean;
  readonly microkernel: string;
  readonly isolation: LabOptions['isolation'];
  readonly deadline: number;
  readonly simulated?: number;
  readonly json: boolean;
}

function upCommand(runSimulated: RunSimulated): Command {
  return new Command('up')
    .description('make virtual servers, switch them on over IPMI and watch them being discovered')
    .addOption(nameOption())
    .addOption(
      new Option('--nodes <nodes>', 'kinds of nodes, with disks if wanted: bios,uefi:nvme,uefi:scsi=4G+scsi=6G')
        .default(defaultOptions.nodes, defaultOptions.nodes.map((node) => nodeSpec(node).kind).join(','))
        .argParser(parseNodes),
    )
    .option('--memory <MiB>', 'memory of a node', wholeNumber('memory', 512), defaultOptions.memoryMib)
    .addOption(
      new Option('--boot-order <order>', 'permanent order: n network, c disk')
        .choices(bootOrders)
        .default(defaultOptions.bootOrder),
    )
    .addOption(
      new Option('--store <store>', 'where the server keeps documents')
        .choices(['sqlite', 'mongodb'])
        .default(defaultOptions.store),
    )
    .addOption(new Option('--mongodb-url <url>', 'MongoDB as this machine reaches it').env('MONGODB_URL'))
    .option('--port <port>', "loopback port of the server's admin side", wholeNumber('port', 0), defaultOptions.port)
    .option('--no-power', 'leave the nodes off')
    .option('--microkernel <dir>', 'discovery OS', (text) => resolve(text), join(projectRoot, '.cache/microkernel'))
    .addOption(
      new Option('--isolation <kind>', 'how the lab is kept apart')
        .choices(['auto', 'netns', 'userns'])
        .default(defaultOptions.isolation),
    )
    .option('--deadline <seconds>', 'until every node must be discovered', wholeNumber('deadline', 1), 300)
    .option('--simulated <count>', 'nodes that are programs instead', wholeNumber('simulated', 1))
    .addOption(jsonOption())
    .action(async (flags: UpFlags) => {
      if (!(await up(flags, runSimulated))) process.exitCode = 1;
    });
}

async function up(flags: UpFlags, runSimulated: RunSimulated): Promise<boolean> {
  const { json } = flags;
  if (flags.simulated !== undefined) return await runSimulated(flags.simulated, { json });
  const capability = await findCapability(flags.isolation);
  if (!capability.ok) {
    console.error(`no virtual servers here (${capability.reason}); the same chain with simulated nodes instead`);
    return await runSimulated(flags.nodes.length, { json });
  }
  // With --json standard output carries the result alone.
  const painter = createPainter(json ? process.stderr : process.stdout, bootView);
  const result = await bringUp(
    { ...labOptions(flags), isolation: capability.isolation },
    { painter, deadlineMs: flags.deadline * 1000, powerOn: flags.power },
  );
  console.log(json ? JSON.stringify(result, null, 2) : printable(summary(result, flags)));
  return result.ok;
}

function labOptions(flags: UpFlags): LabOptions {
  const { name, nodes, bootOrder, store, mongodbUrl, port, isolation } = flags;
  return {
    ...{ name, nodes, bootOrder, store, port, isolation },
    ...(mongodbUrl === undefined ? {} : { mongodbUrl }),
    diskGib: defaultOptions.diskGib,
    memoryMib: flags.memory,
    microkernelDir: flags.microkernel,
    serverCommand: [process.execPath, join(projectRoot, 'src/main.ts'), 'serve', '--config'],
  };
}

function summary({ status, progress, nodes, ok }: UpResult, flags: UpFlags): string {
  const url = status.url ?? '';
  const own = flags.name !== defaultOptions.name;
  const down = `rackwright lab down${own ? ` --name ${flags.name}` : ''}`;
  const deploy = own ? `rackwright lab deploy --node 1 --name ${flags.name}` : 'make lab-deploy NODE=1';
  const questions = progress
    .filter(({ state }) => state !== 'discovered')
    .map(({ mac }) => `  rackwright why ${mac} --server ${url}`);
  const tries = nodes
    .slice(0, 1)
    .flatMap(({ id }) => [
      `  curl ${url}/nodes/${id}/timeline`,
      `  curl ${url}/api/2.0/nodes/${id}/catalogs/dmi`,
      `  curl -X POST -H 'content-type: application/json' -d '{"name":"Graph.Reboot.Node"}' ${url}/api/2.0/nodes/${id}/workflows`,
    ]);
  return [
    ...(nodes.length === 0 ? [] : ['', ...nodesTable(nodes)]),
    '',
    ok ? `The lab stays up: ${url}` : `Not every node was discovered; the lab stays up: ${url}`,
    `  curl '${url}/nodes?type=compute'`,
    ...tries,
    ...(ok && nodes.length > 0 ? [`An operating system on the first, and a login there: ${deploy}`] : questions),
    `Logs: ${status.directory}    Remove it: ${down}`,
  ].join('\n');
}

function downCommand(): Command {
  return new Command('down')
    .description('remove every trace of a lab')
    .addOption(nameOption())
    .action(async ({ name }: { name: string }) => {
      const removed = await stopLab(name);
      const found = removed.directory || removed.namespace || removed.processes > 0;
      console.log(found ? `lab '${name}' is gone` : `there was no lab '${name}'`);
    });
}

function statusCommand(): Command {
  return new Command('status')
    .description('show a lab')
    .addOption(nameOption())
    .addOption(jsonOption())
    .action(async ({ name, json }: { name: string; json: boolean }) => {
      const status = await labStatus(name);
      console.log(json ? JSON.stringify(status, null, 2) : statusText(status));
    });
}

function statusText(status: LabStatus): string {
  const { server } = status;
  const rows = status.nodes.map(({ number, kind, disks, power, mac, bmcAddress, serialLog }) => [
    ...[number.toString(), kind, disks.map(({ bus, gib }) => `${bus}=${gib}G`).join('+'), power],
    ...[mac, bmcAddress, serialLog],
  ]);
  return [
    `lab '${status.name}' in ${status.directory}`,
    ...(server === undefined ? [] : [`server ${server.running ? 'runs' : 'is stopped'}: ${status.url ?? ''}`]),
    ...textTable([['NODE', 'KIND', 'DISKS', 'POWER', 'MAC', 'BMC', 'SERIAL LOG'], ...rows]),
  ].join('\n');
}

function serverCommand(): Command {
  return new Command('server')
    .description("stop, kill or start the lab's server, while nodes go on")
    .addOption(nameOption())
    .argument('<verb>', 'start, stop or kill', oneVerb)
    .action(async (verb: ServerVerb, { name }: { name: string }) => {
      await controlServer(name, verb);
    });
}

type ServerVerb = 'start' | 'stop' | 'kill';

function oneVerb(text: string): ServerVerb {
  if (text === 'start' || text === 'stop' || text === 'kill') return text;
  throw new InputError('server', `expected start, stop or kill, got '${text}'`);
}

function execCommand(): Command {
  return new Command('exec')
    .description("run a command on the lab's networks: rackwright lab exec -- ipmitool ...")
    .addOption(nameOption())
    .argument('<command...>')
    .action(async (command: string[], { name }: { name: string }) => {
      const { enter } = await labStatus(name);
      const [program = '', ...args] = [...enter, ...command];
      const [code] = (await once(spawn(program, args, { stdio: 'inherit' }), 'exit')) as [number | null];
      process.exitCode = code ?? 1;
    });
}

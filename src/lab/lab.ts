import { randomUUID } from 'node:crypto';
import { describeError, InputError, RackwrightError } from '../errors.ts';
import type { Member, MemberDeps } from './build-node.ts';
import { designMember, installMember } from './build-node.ts';
import { findCapability } from './capability.ts';
import type { BmcEffect } from './chassis.ts';
import type { LabProcess, SpawnProcess, SpawnRequest } from './children.ts';
import { createChildren } from './children.ts';
import { createControl } from './control.ts';
import { controlRoutes, controlStreams } from './control-routes.ts';
import type { LabEvents } from './events.ts';
import { createLabEvents } from './events.ts';
import type { Forwarder } from './forward.ts';
import { createForwarder } from './forward.ts';
import { nodeIdentity } from './identity.ts';
import { ipmitool } from './ipmitool.ts';
import { makeNamespace } from './namespace.ts';
import { createNetwork } from './network.ts';
import type { LabNode } from './node.ts';
import type { Isolation, LabOptions } from './options.ts';
import { nodeSpec } from './options.ts';
import type { ProcessId } from './process-id.ts';
import { identify, isAlive } from './process-id.ts';
import { dismissReaper, removeLab } from './remove.ts';
import type { RunOptions, RunResult } from './run.ts';
import { run } from './run.ts';
import type { LabServer } from './server.ts';
import { createServer } from './server.ts';
import type { LabPaths, LabRecord } from './state.ts';
import { claimDirectory, labPaths, readRecord, writeRecord } from './state.ts';
import type { LabStatus } from './status.ts';
import { nodeStatus, serverStatus } from './status.ts';
import { watchOwner } from './watch-owner.ts';

/** Virtual servers on networks of their own, with a server that boots them. */
export interface Lab {
  readonly name: string;
  readonly isolation: Isolation;
  readonly paths: LabPaths;
  readonly events: LabEvents;
  /** Undefined where the options named no server command. */
  readonly server: LabServer | undefined;
  /** Where the admin side is reached from the machine itself. */
  readonly url: string | undefined;
  readonly nodes: readonly LabNode[];
  /** Node by number, from 1; throws an InputError for others. */
  readonly node: (number: number) => LabNode;
  /** Every change that the node's BMC was told to make, in order, repeats included. */
  readonly bmcEffects: (number: number) => readonly BmcEffect[];
  /** Runs a command inside the lab to its end. */
  readonly exec: (argv: readonly string[], options?: RunOptions) => Promise<RunResult>;
  /** Runs ipmitool against a node's BMC, as an operator would. */
  readonly ipmi: (number: number, ...command: string[]) => Promise<RunResult>;
  /** Starts a long-running program inside the lab; it ends with the lab at the latest. */
  readonly spawn: (request: SpawnRequest) => Promise<LabProcess>;
  readonly status: () => LabStatus;
  /** Removes every trace. Safe to repeat. */
  readonly down: () => Promise<void>;
}

/** Makes a lab owned by this process; nothing of it outlives the process. On failure nothing is left, and it throws. */
export async function createLab(options: LabOptions, now: () => Date = () => new Date()): Promise<Lab> {
  await prepareLab(options.name);
  return await assembleLab(options, { now, events: createLabEvents(now) });
}

/**
 * Makes room for a lab of this name: cleans after a killed one, and takes the name for the calling process. Throws code
 * `lab-exists` where such a lab is up.
 */
export async function prepareLab(name: string): Promise<void> {
  const paths = labPaths(name);
  claimDirectory(paths);
  const record = readRecord(paths);
  if (record !== undefined && isAlive(record.owner)) {
    throw new RackwrightError('lab-exists', `lab '${name}' is up already (process ${record.owner.pid})`);
  }
  await dismissReaper(record);
  await removeLab(name);
  claimDirectory(paths);
  writeRecord(paths, { name, instance: randomUUID(), owner: self(), isolation: 'netns', enter: [] });
}

export interface Assembly {
  readonly now: () => Date;
  readonly events: LabEvents;
}

/** Makes the lab whose name `prepareLab` has taken; otherwise as `createLab`. */
export async function assembleLab(options: LabOptions, assembly: Assembly): Promise<Lab> {
  const paths = labPaths(options.name);
  const instance = randomUUID();
  const base = { name: options.name, instance, owner: self(), isolation: 'netns' as const, enter: [] };
  writeRecord(paths, base);
  const record: LabRecord = { ...base, reaper: watchOwner(options.name, instance) };
  writeRecord(paths, record);
  const closers: (() => Promise<void>)[] = [];
  const down = async (): Promise<void> => {
    for (const close of closers.splice(0).reverse()) await close();
    await dismissReaper(record);
    await removeLab(options.name);
  };
  try {
    return await assemble({ options, assembly, paths, record, closers, down });
  } catch (error) {
    assembly.events.emit({ kind: 'failed', text: describeError(error) });
    await down();
    throw error;
  }
}

interface Work {
  readonly options: LabOptions;
  readonly assembly: Assembly;
  readonly paths: LabPaths;
  readonly record: LabRecord;
  /** What holds sockets in this process; closed in reverse order. */
  readonly closers: (() => Promise<void>)[];
  readonly down: () => Promise<void>;
}

async function assemble(work: Work): Promise<Lab> {
  const { options, paths } = work;
  const { events } = work.assembly;
  const members: Member[] = [];
  const parts: { server?: LabServer; url?: string; enter: readonly string[] } = { enter: [] };
  const status = (): LabStatus => ({
    name: options.name,
    directory: paths.dir,
    ...(parts.url === undefined ? {} : { url: parts.url }),
    enter: parts.enter,
    ...(parts.server === undefined ? {} : { server: serverStatus(parts.server) }),
    nodes: members.map(nodeStatus),
  });
  const routes = controlRoutes({ members, server: () => parts.server, status });
  const control = await createControl(paths.control, routes, controlStreams(events));
  work.closers.push(control.close);

  const isolation = await chooseIsolation(options);
  const namespace = await makeNamespace(isolation, options.name, paths);
  parts.enter = namespace.enter;
  writeRecord(paths, { ...work.record, isolation, enter: namespace.enter });
  const { spawn } = createChildren({ paths, enter: namespace.enter });
  const network = await createNetwork({ paths, enter: namespace.enter, spawn });
  events.emit({ kind: 'phase', text: 'networks made' });

  const deps: MemberDeps = { options, paths, network, spawn, emit: events.emit, now: work.assembly.now };
  members.push(...options.nodes.map((node, index) => designMember(deps, nodeIdentity(index + 1), nodeSpec(node))));
  const steps = [startServer(work, spawn, parts), ...members.map(async (member) => installMember(deps, member))];
  // All of them end before one that failed is told of: what they make is about to be removed.
  await Promise.allSettled(steps);
  await Promise.all(steps);
  events.emit({ kind: 'ready' });
  return labOf(work, { ...parts, isolation, spawn, members, status });
}

async function chooseIsolation(options: LabOptions): Promise<Isolation> {
  const capability = await findCapability(options.isolation);
  if (!capability.ok) throw new RackwrightError('lab-impossible', capability.reason);
  return capability.isolation;
}

/** Forwarders first: the configuration names the port that the machine's loopback was given. */
async function startServer(
  work: Work,
  spawn: SpawnProcess,
  parts: { server?: LabServer; url?: string },
): Promise<void> {
  const { options, paths } = work;
  if (options.serverCommand.length === 0) return;
  const keep = async (forwarder: Promise<Forwarder>): Promise<Forwarder> => {
    const made = await forwarder;
    work.closers.push(made.close);
    return made;
  };
  const admin = await keep(createForwarder({ host: '127.0.0.1', port: options.port }, { path: paths.admin }));
  const adminPort = admin.port ?? options.port;
  parts.url = `http://localhost:${adminPort}`;
  const { mongodbUrl } = options;
  if (options.store === 'mongodb') {
    if (mongodbUrl === undefined || !URL.canParse(mongodbUrl)) {
      throw new InputError('mongodb-url', `expected one such as mongodb://127.0.0.1:27017, got '${mongodbUrl ?? ''}'`);
    }
    const { hostname, port } = new URL(mongodbUrl);
    await keep(createForwarder({ path: paths.mongodb }, { host: hostname, port: Number(port || '27017') }));
  }
  parts.server = createServer({
    settings: {
      paths,
      adminPort,
      microkernelDir: options.microkernelDir,
      ...(options.store === 'mongodb' && mongodbUrl !== undefined ? { mongodbUrl } : {}),
    },
    command: options.serverCommand,
    spawn,
    emit: work.assembly.events.emit,
  });
  await parts.server.start();
}

interface Assembled {
  readonly isolation: Isolation;
  readonly enter: readonly string[];
  readonly spawn: SpawnProcess;
  readonly members: readonly Member[];
  readonly server?: LabServer;
  readonly url?: string;
  readonly status: () => LabStatus;
}

function labOf(work: Work, made: Assembled): Lab {
  const member = (number: number): Member => {
    const found = made.members[number - 1];
    if (found === undefined) throw new InputError('node', `expected 1 to ${made.members.length}, got ${number}`);
    return found;
  };
  const exec: Lab['exec'] = async (argv, options) => await run([...made.enter, ...argv], options);
  return {
    name: work.options.name,
    isolation: made.isolation,
    paths: work.paths,
    events: work.assembly.events,
    server: made.server,
    url: made.url,
    nodes: made.members.map(({ node }) => node),
    node: (number) => member(number).node,
    bmcEffects: (number) => member(number).chassis.effects(),
    exec,
    ipmi: async (number, ...command) =>
      await exec(ipmitool(member(number).node.machine.identity.bmcAddress, ...command), { deadlineMs: 20_000 }),
    spawn: made.spawn,
    status: made.status,
    down: work.down,
  };
}

function self(): ProcessId {
  const id = identify(process.pid);
  if (id === undefined) throw new RackwrightError('proc', '/proc cannot be read');
  return id;
}

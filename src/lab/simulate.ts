import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { listNodes } from './list-nodes.ts';
import { openWorld, type World } from './simnode/world.ts';
import { nodesTable, type NodeRow } from '../model/nodes-table.ts';
import { waitFor } from './wait.ts';

export interface SimulationOptions {
  readonly count: number;
  readonly json: boolean;
  readonly adminPort: number;
  readonly serverCommand: readonly string[];
  readonly microkernelDir: string;
  /** Called with each line of text. */
  readonly say: (line: string) => void;
  /** False: ends as soon as every node is discovered. */
  readonly stay: boolean;
  readonly deadlineMs: number;
}

/** Above this many nodes their steps are counted instead of told. */
const toldNodes = 8;

/**
 * The chain of `lab up` with nodes that are programs, for machines that allow no namespace or have no QEMU. Runs in the
 * foreground: it ends, with all that it made, on Ctrl-C. Answers whether every node was discovered.
 */
export async function runSimulation(options: SimulationOptions): Promise<boolean> {
  const directory = await mkdtemp(join(tmpdir(), 'rackwright-sim-'));
  const tell = narrator(options);
  try {
    const world = await openWorld({
      number: 90,
      directory,
      count: options.count,
      adminPort: options.adminPort,
      serverCommand: options.serverCommand,
      microkernelDir: options.microkernelDir,
      bmcs: process.getuid?.() === 0,
      onStep: tell,
    });
    try {
      return await discoverAll(world, options);
    } finally {
      await world.close();
    }
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function discoverAll(world: World, options: SimulationOptions): Promise<boolean> {
  const { count, say, json, deadlineMs } = options;
  for (const { node } of world.fleet.machines) node.powerOn();
  const discovered = async (): Promise<readonly NodeRow[] | undefined> => {
    const nodes = await listNodes(world.url);
    return nodes.filter(({ state }) => state.name === 'discovered').length >= count ? nodes : undefined;
  };
  const began = performance.now();
  const nodes = await waitFor(`${count} nodes discovered`, discovered, { deadlineMs, stepMs: 250 }).catch(
    () => undefined,
  );
  const seconds = ((performance.now() - began) / 1000).toFixed(1);
  const listed = nodes ?? (await listNodes(world.url));
  if (json) say(JSON.stringify({ ok: nodes !== undefined, url: world.url, seconds: Number(seconds), nodes: listed }));
  else {
    for (const line of nodesTable(listed)) say(line);
    say(
      nodes
        ? `${count} simulated nodes discovered in ${seconds} s`
        : `not every node was discovered within ${seconds} s`,
    );
  }
  if (options.stay && nodes) {
    say(`The server answers at ${world.url} until Ctrl-C:  curl '${world.url}/nodes?type=compute'`);
    await once(process, 'SIGINT');
  }
  return nodes !== undefined;
}

function narrator({ count, say, json }: SimulationOptions): (index: number, step: string) => void {
  if (json) return () => undefined;
  if (count <= toldNodes) {
    return (index, step) => {
      say(`node ${index + 1}: ${step}`);
    };
  }
  let discovering = 0;
  return (_, step) => {
    if (step !== 'agent') return;
    discovering += 1;
    if (discovering % Math.ceil(count / 10) === 0) say(`${discovering} of ${count} nodes run the agent`);
  };
}

/**
 * Simulated nodes (src/lab/simnode) that are switched on all at once: real DHCP, TFTP, HTTP and IPMI over loopback, a
 * kernel and ramdisk of a few bytes, every step of a discovery. How many are done when, how many are lost, and what it
 * costs the server. All nodes live in this process, on one of the machine's cores. Needs root (port 623).
 * Argument: number of nodes (default 1000). There is no peer: the figures stand alone.
 */
import { readFileSync } from 'node:fs';
import { listNodes } from '../../src/lab/list-nodes.ts';
import { waitFor } from '../../src/lab/wait.ts';
import type { Node } from '../../src/model/node.ts';
import { openTestWorld } from '../support/world.ts';
import { quantile, report } from './report.ts';

const count = Number(process.argv[2] ?? 1000);
const deadlineMs = 900_000;
const megabyte = 1_000_000;

/** What the server's process has used so far. */
function usage(pid: number): { readonly cpuSeconds: number; readonly peakBytes: number } {
  const [, fields = ''] = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ');
  const [user, system] = fields.split(' ').slice(11, 13).map(Number);
  const status = readFileSync(`/proc/${pid}/status`, 'latin1');
  // In ticks of 10 ms on every Linux there is, and in KiB: proc(5).
  return {
    cpuSeconds: ((user ?? 0) + (system ?? 0)) / 100,
    peakBytes: Number(/^VmHWM:\s+(\d+) kB/m.exec(status)?.[1]) * 1024,
  };
}

const world = await openTestWorld({ number: 70, count });
try {
  const pid = world.serverPid() ?? 0;
  const before = usage(pid);
  const begin = Date.now();
  for (const { node } of world.fleet.machines) node.powerOn();
  const discovered = async () => {
    const listed = (await listNodes(world.url)) as unknown as readonly Pick<Node, 'state'>[];
    const nodes = listed.filter(({ state }) => state.name === 'discovered');
    process.stdout.write(`   ${((Date.now() - begin) / 1000).toFixed(0)} s: ${nodes.length} discovered\n`);
    return nodes;
  };
  const all = async () => ((await discovered()).length >= count ? true : undefined);
  await waitFor(`${count} nodes`, all, { deadlineMs, stepMs: 3_000 }).catch(() => undefined);
  const seconds = (await discovered()).map(({ state }) => (Date.parse(state.since) - begin) / 1000);
  const after = usage(pid);

  const figure = (name: string, ours: number, unit: string) => {
    report({ name: `simulated-${count}-${name}`, ours, unit });
  };
  for (const share of [0.1, 0.25, 0.5, 0.75, 0.9, 0.99, 1]) {
    figure(share === 1 ? 'last' : `p${share * 100}`, quantile(seconds, share), 's');
  }
  figure('lost', count - seconds.length, 'nodes');
  figure('boots-per-node', world.fleet.machines.reduce((sum, { node }) => sum + node.boots(), 0) / count, 'boots');
  figure('server-cpu-per-node', ((after.cpuSeconds - before.cpuSeconds) * 1000) / count, 'ms');
  figure('server-memory', after.peakBytes / megabyte, 'MB');
} finally {
  await world.close();
}

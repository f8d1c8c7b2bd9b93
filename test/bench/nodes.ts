/**
 * Virtual servers (QEMU, BIOS with iPXE) that are switched on all at once, from power on until the last is discovered,
 * beside a chain of dnsmasq, a static server and a shell script with the same ramdisk and the same inventory commands.
 * One round: each side takes minutes. Needs root, and 0.5 GiB of memory a node.
 * Arguments: number of nodes (default 16), rounds (default 1).
 */
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { createLab, type Lab } from '../../src/lab/lab.ts';
import { listNodes } from '../../src/lab/list-nodes.ts';
import { waitFor } from '../../src/lab/wait.ts';
import { testLab } from '../support/lab.ts';
import { processorSeconds } from './programs/machine-time.ts';
import { startReferenceChain } from './programs/reference-chain.ts';
import { inventoriesIn, inventoryScript } from './programs/reference-inventory.ts';
import { inTurns, median, report } from './report.ts';

const home = resolve(import.meta.dirname, '../..');
const [count = 16, times = 1] = process.argv.slice(2).map(Number);
const microkernelDir = join(home, '.cache/microkernel');
/** An emulated machine that gets little time misses its kernel's check of the timer, and panics. */
const kernelArgs = 'console=tty0 console=ttyS0,115200n8 quiet no_timer_check';
const deadlineMs = 1_500_000;

const labOptions = {
  nodes: Array.from({ length: count }, () => 'bios-ipxe' as const),
  memoryMib: 512,
  microkernelDir,
};

interface Measured {
  /** From power on, of each node in the order in which they were done. */
  readonly seconds: readonly number[];
  /** Of processor time that a machine took until the last was done, the mean: hardly depends on what else runs. */
  readonly cpuSeconds: number;
}

async function measure(lab: Lab, done: () => Promise<number> | number): Promise<Measured> {
  const seconds: number[] = [];
  const begin = performance.now();
  await Promise.all(lab.nodes.map((node) => node.powerOn()));
  const look = async (): Promise<true | undefined> => {
    const now = await done();
    while (seconds.length < now) seconds.push((performance.now() - begin) / 1000);
    return now >= count ? true : undefined;
  };
  await waitFor(`${count} nodes`, look, { deadlineMs, stepMs: 250 });
  process.stdout.write(`   ${stages(lab)}; nodes done after ${seconds.map((value) => value.toFixed(0)).join(' ')} s\n`);
  return { seconds, cpuSeconds: processorSeconds(lab) / count };
}

/** What the nodes' own clocks say: they begin with the kernel, and tell of the same steps on both sides. */
function stages(lab: Lab): string {
  const logs = lab.nodes.map(({ machine }) => readFileSync(machine.files.serialLog, 'latin1'));
  const at = (step: string): string => {
    const found = logs.map((log) => Number(new RegExp(`RACKWRIGHT ${step}.* ([\\d.]+)\\r?\\n`).exec(log)?.[1]));
    return `${step} ${median(found).toFixed(1)} s`;
  };
  return `${lab.name}, medians since the kernel began: ${['init', 'drivers', 'net', 'agent start'].map(at).join(', ')}`;
}

async function inLab<T>(lab: Lab, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } finally {
    await lab.down();
  }
}

async function ours(): Promise<Measured> {
  const serve = [process.execPath, join(home, 'src/main.ts'), 'serve', '--microkernel-kernel-args', kernelArgs];
  const lab = await createLab(testLab('rwt-16', { ...labOptions, serverCommand: [...serve, '--config'] }));
  const discovered = async (): Promise<number> =>
    (await listNodes(lab.url ?? '')).filter(({ state }) => state.name === 'discovered').length;
  return inLab(lab, () => measure(lab, discovered));
}

async function reference(): Promise<Measured> {
  const lab = await createLab(testLab('rwt-16-ref', { ...labOptions, serverCommand: [] }));
  return inLab(lab, async () => {
    const log = await startReferenceChain(lab, { microkernelDir, kernelArgs, agent: inventoryScript() });
    return measure(lab, () => inventoriesIn(log));
  });
}

const measured = await inTurns({ ours, peer: reference }, times);
const pick = (from: (one: Measured) => number) => ({
  ours: measured.ours.map(from),
  peer: measured.peer.map(from),
});
report({
  name: `nodes-${count}-at-once`,
  ...pick(({ seconds }) => seconds.at(-1) ?? NaN),
  unit: 's',
  bar: { atMost: 1.3 },
});
report({ name: `nodes-${count}-at-once-median`, ...pick(({ seconds }) => median(seconds)), unit: 's' });
report({ name: `nodes-${count}-cpu-per-node`, ...pick(({ cpuSeconds }) => cpuSeconds), unit: 's' });

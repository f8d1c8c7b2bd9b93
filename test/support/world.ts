import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { openWorld, type World, type WorldOptions } from '../../src/lab/simnode/world.ts';
import { waitFor } from '../../src/lab/wait.ts';

/** A world of simulated machines for tests, with a kernel and ramdisk of a few bytes, removed at its end. */
export interface TestWorld extends World {
  /** Steps of each machine in order. */
  readonly steps: readonly (readonly string[])[];
  readonly directory: string;
  json<T = unknown>(path: string): Promise<T>;
  /** Resolves when the machine has come to a step (that many times). */
  atStep(index: number, step: string, times?: number): Promise<void>;
  nodes(): Promise<ListedNode[]>;
  /** The nodes, once so many are in a state. */
  allInState(state: string, count?: number): Promise<ListedNode[]>;
}

export interface ListedNode {
  readonly id: string;
  readonly name: string;
  readonly state: { readonly name: string; readonly reason?: string };
  readonly summary: { readonly serial?: string };
}

const home = resolve(import.meta.dirname, '../..');

/** Each test file takes worlds of its own numbers, so that files run side by side. */
export async function openTestWorld(
  options: Pick<WorldOptions, 'number' | 'count'> & Partial<WorldOptions>,
): Promise<TestWorld> {
  const directory = await mkdtemp(join(tmpdir(), 'rw-world-'));
  const steps: string[][] = Array.from({ length: options.count }, () => []);
  const remove = () => rm(directory, { recursive: true, force: true });
  try {
    const world = await openWorld({
      directory,
      serverCommand: [process.execPath, join(home, 'src/main.ts'), 'serve', '--log-level', 'info'],
      microkernelDir: join(home, 'test/fixtures/microkernel'),
      bmcs: true,
      onStep: (index, step) => steps[index]?.push(step),
      ...options,
    });
    return { ...world, ...queries(world, steps), steps, directory, close: () => world.close().finally(remove) };
  } catch (error) {
    await remove();
    throw error;
  }
}

function queries(world: World, steps: readonly (readonly string[])[]) {
  const json = async <T>(path: string): Promise<T> => {
    const answer = await fetch(`${world.url}${path}`);
    if (!answer.ok) throw new Error(`GET ${path}: ${answer.status} ${await answer.text()}`);
    return (await answer.json()) as T;
  };
  const nodes = async () => (await json<{ items: ListedNode[] }>('/nodes?type=compute&limit=1000')).items;
  return {
    json,
    nodes,
    atStep: (index: number, step: string, times = 1) =>
      waitFor(
        `machine ${index} at '${step}'`,
        () => ((steps[index] ?? []).filter((name) => name === step).length >= times ? true : undefined),
        { deadlineMs: 60_000, stepMs: 2 },
      ).then(() => undefined),
    allInState: (state: string, count = steps.length) =>
      waitFor(
        `${count} nodes ${state}`,
        async () => {
          const found = await nodes().catch(() => []);
          return found.filter((node) => node.state.name === state).length >= count ? found : undefined;
        },
        { deadlineMs: 90_000, stepMs: 100 },
      ),
  };
}

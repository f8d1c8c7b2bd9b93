import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ResolvedGraph } from '../../src/model/run.ts';
import { openSqliteStore } from '../../src/store/sqlite/store.ts';
import { createDefinitions, readDefinitions, type ShippedDefinitions } from '../../src/workflows/definitions.ts';
import { resolveGraph } from '../../src/workflows/graph.ts';
import { jobs } from '../../src/workflows/tasks/index.ts';
import { play } from './graphs.ts';

const scope = { server: { discovery: { then: 'reboot' } }, api: { server: 'http://a' }, file: { server: 'http://f' } };
let shipped: ShippedDefinitions;
beforeAll(async () => {
  shipped = await readDefinitions(join(import.meta.dirname, '../../definitions'));
});

/** What a graph must be given. */
const needed: Readonly<Record<string, unknown>> = { prepare: { image: 'debian-12' } };

function resolved(name: string): ResolvedGraph {
  const definition = shipped.graphs.get(name);
  if (!definition) throw new Error(`no graph ${name}`);
  const library = {
    task: (task: string) => shipped.tasks.get(task),
    baseTask: (task: string) => shipped.baseTasks.get(task),
    job: (runJob: string) => jobs.find((job) => job.runJob === runJob),
  };
  const result = resolveGraph({ definition, options: needed, scope }, library);
  if (!result.ok) throw new Error(result.errors.join('\n'));
  return result.graph;
}

describe('what ships', () => {
  it('is all that can be run: every graph resolves', () => {
    const names = [...shipped.graphs.keys()];
    expect(names).toEqual(
      expect.arrayContaining(['Graph.Discovery.Rackwright', 'Graph.noop-example', 'Graph.Reboot.Node']),
    );
    for (const name of names) expect(resolved(name).tasks.length).toBeGreaterThan(0);
  });

  it('every task has its base task and its job', () => {
    for (const { implementsTask } of shipped.tasks.values()) {
      const base = shipped.baseTasks.get(implementsTask);
      expect(jobs.map(({ runJob }) => runJob)).toContain(base?.runJob);
    }
  });
});

describe('Graph.Discovery.Rackwright', () => {
  const discover = () => {
    const run = play(resolved('Graph.Discovery.Rackwright'));
    run.session('boot1');
    return run;
  };

  it('takes the catalogs as soon as the agent is there, then the BMC, then ends as configured', () => {
    const run = discover();
    run.report('catalog');
    run.runTask('bmc-propose');
    run.report('bmc-set');
    expect(run.task('end').state).toBe('pending');
    run.runTask('bmc-prove');
    run.report('end');
    expect(run.run.state).toBe('succeeded');
    expect(run.facts().at(-1)).toBe('node succeed');
    const end = resolved('Graph.Discovery.Rackwright').tasks.find(({ label }) => label === 'end');
    expect(end?.options.then).toBe('reboot');
  });

  it.each(['bmc-propose', 'bmc-set', 'bmc-prove'])('ends as well when %s fails', (failing) => {
    const run = discover();
    run.report('catalog');
    run.runTask('bmc-propose', failing === 'bmc-propose' ? 'fail' : 'succeed');
    run.report('bmc-set', failing !== 'bmc-set');
    run.runTask('bmc-prove', 'fail');
    run.report('end');
    expect(run.run.state).toBe('succeeded');
  });

  it('depends on dmi alone of the sources', () => {
    const catalog = resolved('Graph.Discovery.Rackwright').tasks.find(({ label }) => label === 'catalog');
    const commands = catalog?.options.commands as { ignoreFailure?: boolean; catalog: { source: string } }[];
    const needed = commands.filter(({ ignoreFailure }) => ignoreFailure !== true);
    expect(needed.map(({ catalog: { source } }) => source)).toEqual(['dmi']);
    expect(commands).toHaveLength(11);
  });

  it('fails without its catalogs, and says so', () => {
    const run = discover();
    run.report('catalog', false);
    expect(run.run).toMatchObject({ state: 'failed', error: { label: 'catalog' } });
    expect(run.facts().at(-1)).toBe('node fail');
  });

  it('a node that vanishes ends it by the deadlines', () => {
    const run = discover();
    run.send({ kind: 'taken', label: 'catalog', attempt: 1, bootId: 'boot1' });
    run.wait(600_000);
    expect(run.send({ kind: 'deadline', label: 'catalog', attempt: 1 })).toBe('ok');
    expect(run.run).toMatchObject({ state: 'failed', error: { label: 'catalog', reason: 'timeout' } });
  });
});

describe('readDefinitions', () => {
  it('names the file and the key that is wrong', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'rw-definitions-'));
    await writeFile(join(directory, 'manifest.json'), JSON.stringify({ graphs: ['g.json'], tasks: [], baseTasks: [] }));
    await expect(readDefinitions(directory)).rejects.toThrow(/g\.json: a readable JSON file/);
    await writeFile(join(directory, 'g.json'), JSON.stringify({ friendlyName: 'x', injectableName: 'y', tasks: [{}] }));
    await expect(readDefinitions(directory)).rejects.toThrow(/g\.json: tasks\.0\.label/);
    const longLabel = { label: 'ü'.repeat(34), taskName: 'Task.noop' };
    await writeFile(
      join(directory, 'g.json'),
      JSON.stringify({ friendlyName: 'x', injectableName: 'y', tasks: [longLabel] }),
    );
    await expect(readDefinitions(directory)).rejects.toThrow(/g\.json: tasks\.0\.label.*at most 200 characters/);
    await rm(directory, { recursive: true });
  });
});

describe('the library', () => {
  const noop = (injectableName: string) => ({
    friendlyName: 'mine',
    injectableName,
    tasks: [{ label: 'a', taskName: 'Task.noop' }],
  });

  it("users' graphs stand beside ours, over ours, and go again", async () => {
    const opened = await openSqliteStore({ path: ':memory:' });
    const library = createDefinitions({ store: opened.store, shipped, jobs, scope });
    const ours = await library.graph('Graph.noop-example');

    expect(await library.putGraph(noop('Graph.Mine'))).toEqual({ ok: true });
    expect(await library.putGraph(noop('Graph.noop-example'))).toEqual({ ok: true });
    expect((await library.graphs()).filter(({ friendlyName }) => friendlyName === 'mine')).toHaveLength(2);
    expect(await library.graph('Graph.noop-example')).toMatchObject({ friendlyName: 'mine' });
    expect([await library.deleteGraph('Graph.noop-example'), await library.deleteGraph('Graph.noop-example')]).toEqual([
      true,
      false,
    ]);
    expect(await library.graph('Graph.noop-example')).toEqual(ours);

    const task = {
      friendlyName: 'T',
      injectableName: 'Task.Mine',
      implementsTask: 'Task.Base.noop',
      options: {},
      properties: {},
    };
    expect(await library.putTask(task)).toEqual({ ok: true });
    expect(await library.task('Task.Mine')).toEqual(task);
    expect((await library.tasks()).map(({ injectableName }) => injectableName)).toContain('Task.Mine');
    expect(await library.deleteTask('Task.Mine')).toBe(true);
    await opened.close();
  });

  it('refuses what cannot be run, naming it', async () => {
    const opened = await openSqliteStore({ path: ':memory:' });
    const library = createDefinitions({ store: opened.store, shipped, jobs, scope });
    const bad = { ...noop('Graph.Bad'), tasks: [{ label: 'a', taskName: 'Task.Os.Install.CentOS' }] };
    expect(await library.putGraph(bad)).toMatchObject({
      ok: false,
      errors: ["task 'a': unknown task Task.Os.Install.CentOS"],
    });
    expect(await library.putTask({ injectableName: 'Task.Bad' })).toMatchObject({ ok: false });
    await opened.close();
  });
});

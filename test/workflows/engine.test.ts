import type { GraphDefinition } from '../../src/model/graph.ts';
import { modify } from '../../src/store/modify.ts';
import { controlledJob, memoryQueue, openWorld } from './harness.ts';

const noopGraph: GraphDefinition = {
  friendlyName: 'Noop',
  injectableName: 'Graph.Noop',
  tasks: [
    { label: 'a', taskName: 'Task.Job.noop' },
    { label: 'b', taskName: 'Task.Job.noop', waitOn: { a: 'finished' } },
    { label: 'c', taskName: 'Task.Job.noop', waitOn: { a: 'finished' } },
  ],
};

const agentGraph: GraphDefinition = {
  friendlyName: 'Agent',
  injectableName: 'Graph.Agent',
  nodeEvents: 'discover',
  options: {
    boot: { kernelArgs: 'quiet' },
    one: {
      commands: ['true', { command: 'cat x', acceptedResponseCodes: [0, 1], catalog: { source: 'x', format: 'auto' } }],
    },
    two: { commands: 'echo {{ context.target }}', _taskTimeout: 60_000 },
  },
  tasks: [
    { label: 'boot', taskName: 'Task.Job.Linux.Bootstrap' },
    { label: 'one', taskName: 'Task.Job.Linux.Catalog', waitOn: { boot: 'succeeded' } },
    { label: 'two', taskName: 'Task.Job.Linux.Commands', waitOn: { boot: 'succeeded' } },
    { label: 'end', taskName: 'Task.Job.Rackwright.Discovery.End', waitOn: { one: 'finished', two: 'finished' } },
  ],
};

const graphOf = (runJob: string): GraphDefinition => ({
  friendlyName: runJob,
  injectableName: `Graph.${runJob}`,
  tasks: [{ label: 'a', taskName: `Task.${runJob}` }],
});

let world: Awaited<ReturnType<typeof openWorld>>;
afterEach(() => world.close());

async function startOn(graph: GraphDefinition, nodeId = 'n1', options = {}) {
  await world.node(nodeId);
  const server = await world.server();
  const started = await server.engine.start({ graph: graph.injectableName, nodeId, options });
  if (!started.ok) throw new Error(started.message);
  return { ...server, run: started.run };
}

describe('start', () => {
  it('runs a graph to its end, tells it in order, and lets the node go', async () => {
    world = await openWorld({ graphs: [noopGraph] });
    const { run } = await startOn(noopGraph);
    const ended = await world.until(run.id, ({ sweepKey }) => sweepKey === 'done');
    expect(ended).toMatchObject({ state: 'succeeded', activeKey: ended.instanceId, outbox: [] });
    const texts = [...world.facts.values()].map(({ text }) => text);
    expect(texts[0]).toBe("workflow 'Noop' began");
    expect(texts.at(-1)).toBe("workflow 'Noop' succeeded");
    expect(texts).toHaveLength(8);
  });

  it('takes one active run a node', async () => {
    world = await openWorld({ graphs: [agentGraph, noopGraph] });
    const { engine, run } = await startOn(agentGraph);
    expect(await engine.start({ graph: 'Graph.Noop', nodeId: 'n1' })).toMatchObject({ ok: false, reason: 'busy' });
    expect((await engine.activeRun('n1'))?.id).toBe(run.id);
    await engine.cancel(run.id, 'enough');
    await world.until(run.id, ({ sweepKey }) => sweepKey === 'done');
    expect(await engine.activeRun('n1')).toBeUndefined();
    expect(await engine.start({ graph: 'Graph.Noop', nodeId: 'n1' })).toMatchObject({ ok: true });
  });

  it('of many at once for one node, one begins', async () => {
    world = await openWorld({ graphs: [agentGraph] });
    await world.node('n1');
    const { engine } = await world.server();
    const starts = await Promise.all(
      Array.from({ length: 8 }, () => engine.start({ graph: 'Graph.Agent', nodeId: 'n1' })),
    );
    expect(starts.filter(({ ok }) => ok)).toHaveLength(1);
  });

  it.each([
    ['a graph that nobody knows', 'Graph.Gone', 'n1', 'unknown-graph'],
    ['a node that nobody knows', 'Graph.Agent', 'n9', 'invalid'],
    ['a node that is held, where the graph moves its state', 'Graph.Agent', 'held', 'invalid'],
    ['no node, where the graph moves its state', 'Graph.Agent', undefined, 'invalid'],
  ])('refuses %s', async (_name, graph, nodeId, reason) => {
    world = await openWorld({ graphs: [agentGraph] });
    await world.node('n1');
    await world.node('held', 'maintenance');
    const { engine } = await world.server();
    expect(await engine.start({ graph, ...(nodeId === undefined ? {} : { nodeId }) })).toMatchObject({
      ok: false,
      reason,
    });
  });

  it('names what is wrong with the options', async () => {
    world = await openWorld({ graphs: [noopGraph] });
    const { engine } = await world.server();
    const result = await engine.start({ graph: 'Graph.Noop', options: { a: { delay: -1 } } });
    expect(result).toMatchObject({ reason: 'invalid', errors: [expect.stringContaining("task 'a': option 'delay'")] });
  });
});

describe('the agent’s side', () => {
  it('boots the node, hands out one task after the other, and moves the node', async () => {
    world = await openWorld({ graphs: [agentGraph] });
    const { engine, run } = await startOn(agentGraph);
    expect((await world.store.nodes.get('n1'))?.state).toMatchObject({ name: 'discovering', runId: run.id });
    expect(await engine.bootProfileFor('n1')).toEqual({ kind: 'discovery', kernelArgs: 'quiet' });
    await engine.session('n1', 'boot1');

    const one = await engine.workFor('n1', 'boot1');
    expect(one).toMatchObject({ runId: run.id, label: 'one', attempt: 1, timeoutSeconds: 86_400, stopOnError: true });
    expect(await engine.workFor('n1', 'boot1')).toEqual(one);
    expect(await engine.attempt(run.id, 'one', 1)).toMatchObject({
      nodeId: 'n1',
      work: { commands: [{ command: 'true' }, { acceptedResponseCodes: [0, 1], catalog: { source: 'x' } }] },
    });
    expect(await engine.attempt(run.id, 'one', 2)).toBeUndefined();
    expect(await engine.bootProfileFor('n1')).toMatchObject({ kind: 'discovery' });

    const at = { runId: run.id, label: 'one', attempt: 1 };
    expect(await engine.report(at, { ok: true, context: { seen: 1 }, output: ['x'] })).toBe('accepted');
    expect(await engine.report(at, { ok: false })).toBe('repeated');
    expect((await world.store.taskOutputs.get(`${run.id}/one/1`))?.data).toEqual(['x']);

    const two = await engine.workFor('n1', 'boot1');
    expect(two).toMatchObject({ label: 'two', timeoutSeconds: 60, commands: [{ command: 'echo n1' }] });
    await engine.report({ runId: run.id, label: 'two', attempt: 1 }, { ok: true });
    expect(await engine.workFor('n1', 'boot1')).toMatchObject({ label: 'end', commands: [] });
    expect(await engine.report({ runId: run.id, label: 'end', attempt: 1 }, { ok: true })).toBe('accepted');

    const ended = await world.until(run.id, ({ sweepKey }) => sweepKey === 'done');
    expect(ended).toMatchObject({ state: 'succeeded', context: { seen: 1, target: 'n1' } });
    expect((await world.store.nodes.get('n1'))?.state).toMatchObject({ name: 'discovered' });
    expect(await engine.workFor('n1', 'boot1')).toBeUndefined();
    expect(await engine.bootProfileFor('n1')).toBeUndefined();
    expect(await engine.report({ runId: run.id, label: 'end', attempt: 1 }, { ok: true })).toBe('repeated');
    expect(await world.store.signals.count()).toBe(0);
  });

  it('an agent that is there already and asks for work ends a bootstrap that waits on nothing', async () => {
    world = await openWorld({ graphs: [agentGraph] });
    const { engine } = await startOn(agentGraph);
    expect(await engine.workFor('n1', 'boot0')).toMatchObject({ label: 'one' });
  });

  it.each([
    ['of no run', { runId: 'gone', label: 'one', attempt: 1 }],
    ['of no task', { label: 'constructor', attempt: 1 }],
    ['of a task that has not begun', { label: 'end', attempt: 0 }],
    ['of an attempt that is over', { label: 'one', attempt: 2 }],
  ])('a report %s is stale', async (_name, at) => {
    world = await openWorld({ graphs: [agentGraph] });
    const { engine, run } = await startOn(agentGraph);
    await engine.session('n1', 'boot1');
    expect(await engine.report({ runId: run.id, ...at }, { ok: true })).toBe('stale');
  });

  it('a node that boots anew is asked for its catalogs again, but not for commands', async () => {
    world = await openWorld({ graphs: [agentGraph] });
    const { engine, run } = await startOn(agentGraph);
    await engine.session('n1', 'boot1');
    await engine.workFor('n1', 'boot1');
    await engine.session('n1', 'boot2');
    expect(await engine.workFor('n1', 'boot2')).toMatchObject({ label: 'one', attempt: 2 });
    expect(await engine.report({ runId: run.id, label: 'one', attempt: 1 }, { ok: true })).toBe('stale');
    await engine.report({ runId: run.id, label: 'one', attempt: 2 }, { ok: true });
    await engine.workFor('n1', 'boot2');
    await engine.session('n1', 'boot3');
    const ended = await world.run(run.id);
    expect(ended.tasks.two).toMatchObject({ state: 'failed', error: { reason: 'interrupted' } });
  });

  it('changed resolves with the next step of the node’s run, and when aborted', async () => {
    world = await openWorld({ graphs: [agentGraph] });
    const { engine, run } = await startOn(agentGraph);
    const seen: string[] = [];
    const changed = engine.changed('n1', new AbortController().signal).then(() => seen.push('changed'));
    const other = new AbortController();
    const aborted = engine.changed('n2', other.signal).then(() => seen.push('aborted'));
    await engine.cancel(run.id, 'x');
    await changed;
    expect(seen).toEqual(['changed']);
    other.abort();
    await aborted;
    expect(seen).toEqual(['changed', 'aborted']);
  });
});

describe('secrets', () => {
  const needy = (secret: string): Parameters<typeof openWorld>[0] => ({
    graphs: [graphOf('Job.Secret')],
    secrets: { 'bmc-password': 'hunter2' },
    jobs: [
      {
        ...controlledJob('Job.Secret', 'fail').job,
        mode: 'wait',
        awaits: 'report',
        onInterrupt: 'fail',
        agentWork: () => ({ commands: [{ command: 'x' }], environment: { PASSWORD: { secret }, PLAIN: 'p' } }),
      } as never,
    ],
  });

  it('reach the agent, and neither store nor facts', async () => {
    world = await openWorld(needy('bmc-password'));
    const { engine, run } = await startOn(graphOf('Job.Secret'));
    const work = await engine.workFor('n1', 'boot1');
    expect(work?.environment).toEqual({ PASSWORD: 'hunter2', PLAIN: 'p' });
    expect(JSON.stringify([await world.run(run.id), [...world.facts.values()]])).not.toContain('hunter2');
  });

  it('that a node lacks fail the task, naming the variable', async () => {
    world = await openWorld(needy('other'));
    const { engine, run } = await startOn(graphOf('Job.Secret'));
    expect(await engine.workFor('n1', 'boot1')).toBeUndefined();
    expect((await world.run(run.id)).error?.message).toContain('no secret for PASSWORD');
  });
});

describe('nothing is lost, nothing is done twice', () => {
  it('lost hints are given again by the sweep', async () => {
    const queue = memoryQueue();
    world = await openWorld({ graphs: [noopGraph], queue: () => queue });
    queue.hold();
    const { run } = await startOn(noopGraph);
    queue.waiting.length = 0;
    queue.release();
    expect((await world.until(run.id, ({ state }) => state !== 'running')).state).toBe('succeeded');
  });

  it('hints that come many times run an attempt once', async () => {
    const { job, counts, open } = controlledJob('Job.Count', 'fail');
    const queue = memoryQueue();
    world = await openWorld({ graphs: [graphOf('Job.Count')], jobs: [job], queue: () => queue });
    const { run } = await startOn(graphOf('Job.Count'));
    for (let i = 0; i < 20; i += 1) queue.add({ runId: run.id, label: 'a', attempt: 1 });
    await world.until(run.id, ({ tasks }) => tasks.a?.state === 'claimed' && open.length > 0);
    open[0]?.end({ ok: true });
    await world.until(run.id, ({ sweepKey }) => sweepKey === 'done');
    expect(counts.runs).toBe(1);
  });

  it('two servers on one store share the attempts: each is claimed once', async () => {
    const { job, counts, open } = controlledJob('Job.Count', 'fail');
    const many: GraphDefinition = {
      ...graphOf('Job.Count'),
      tasks: Array.from({ length: 10 }, (_, i) => ({ label: `t${i}`, taskName: 'Task.Job.Count' })),
    };
    world = await openWorld({ graphs: [many], jobs: [job], sweepMs: 10 });
    await world.node('n1');
    const one = await world.server('m1');
    await world.server('m2');
    const started = await one.engine.start({ graph: many.injectableName, nodeId: 'n1' });
    const id = started.ok ? started.run.id : '';
    // Claimed first, then run: a job that is not open yet could not be ended.
    const claimed = await world.until(
      id,
      ({ tasks }) => Object.values(tasks).every(({ state }) => state === 'claimed') && open.length === 10,
    );
    expect(new Set(Object.values(claimed.tasks).map(({ claim }) => claim?.member)).size).toBeGreaterThan(0);
    for (const { end } of open) end({ ok: true });
    await world.until(id, ({ sweepKey }) => sweepKey === 'done');
    expect(counts.runs).toBe(10);
    expect([...world.facts.keys()]).toHaveLength(22);
  });

  it.each([
    ['repeat', undefined, 'succeeded', { runs: 2, verifies: 0 }],
    ['verify', 'repeat', 'succeeded', { runs: 2, verifies: 1 }],
    ['verify', { ok: true }, 'succeeded', { runs: 1, verifies: 1 }],
    ['fail', undefined, 'failed', { runs: 1, verifies: 0 }],
  ] as const)('a server killed in mid-job, onInterrupt %s (%j): %s', async (onInterrupt, verified, state, counted) => {
    const { job, counts, open } = controlledJob('Job.Kill', onInterrupt, verified);
    const queues = [memoryQueue(), memoryQueue()];
    world = await openWorld({ graphs: [graphOf('Job.Kill')], jobs: [job], claimMs: 150, queue: () => queues.shift()! });
    await world.node('n1');
    const first = await world.server('m1');
    const started = await first.engine.start({ graph: 'Graph.Job.Kill', nodeId: 'n1' });
    const id = started.ok ? started.run.id : '';
    await world.until(id, ({ tasks }) => tasks.a?.state === 'claimed' && open.length === 1);
    // The process is gone: it neither renews its claim nor says anything more.
    await first.kill();
    await world.server('m2');
    const end = setInterval(() => open.at(-1)?.end({ ok: true }), 5);
    const ended = await world.until(id, ({ sweepKey }) => sweepKey === 'done');
    clearInterval(end);
    expect(ended.state).toBe(state);
    expect(counts).toEqual(counted);
    expect(ended.tasks.a?.error?.reason).toBe(state === 'failed' ? 'interrupted' : undefined);
  });

  it('a signal that was stored but not consumed is consumed by the next server', async () => {
    world = await openWorld({ graphs: [agentGraph] });
    const { run, kill } = await startOn(agentGraph);
    await kill();
    await world.store.signals.insert({
      id: `${run.id}/session/boot1`,
      runId: run.id,
      at: new Date().toISOString(),
      body: { kind: 'session', bootId: 'boot1' },
    });
    await world.server('m2');
    expect((await world.run(run.id)).tasks.boot?.state).toBe('succeeded');
  });

  it('a cancelled run aborts its job, and a job past its deadline ends timeout', async () => {
    const { job, open } = controlledJob('Job.Slow', 'fail');
    world = await openWorld({ graphs: [graphOf('Job.Slow')], jobs: [job] });
    const { engine, run } = await startOn(graphOf('Job.Slow'));
    await world.until(run.id, ({ tasks }) => tasks.a?.state === 'claimed' && open.length === 1);
    await engine.cancel(run.id, 'enough');
    expect(open[0]?.input.signal.aborted).toBe(true);
    await world.until(run.id, ({ sweepKey }) => sweepKey === 'done');

    const late = await engine.start({ graph: 'Graph.Job.Slow', nodeId: 'n1', options: { a: { _taskTimeout: 30 } } });
    const ended = await world.until(late.ok ? late.run.id : '', ({ sweepKey }) => sweepKey === 'done');
    expect(ended).toMatchObject({ state: 'failed', tasks: { a: { state: 'timeout' } } });
  });

  it('an orderly stop lets a job end, and takes no more', async () => {
    const { job, open, counts } = controlledJob('Job.Drain', 'fail');
    world = await openWorld({ graphs: [graphOf('Job.Drain')], jobs: [job] });
    const { engine, worker, run } = await startOn(graphOf('Job.Drain'));
    await world.until(run.id, () => open.length === 1);
    const drained = worker.drain();
    const later = await engine.start({ graph: 'Graph.Job.Drain' });
    open[0]?.end({ ok: true });
    await drained;
    expect((await world.run(run.id)).state).toBe('succeeded');
    expect(later.ok && (await world.run(later.run.id)).tasks.a?.state).toBe('dispatched');
    expect(counts.runs).toBe(1);
  });

  it('a command to a BMC gets a claim that outlasts it', async () => {
    const { job, open } = controlledJob('Job.Fence', 'fail');
    const seen: string[] = [];
    const obm = { act: () => Promise.resolve({ ok: true as const }) };
    world = await openWorld({ graphs: [graphOf('Job.Fence')], jobs: [job], services: { obm } });
    const { run } = await startOn(graphOf('Job.Fence'));
    await world.until(run.id, () => open.length === 1);
    const { input, end } = open[0]!;
    const before = Date.now();
    await input.services.obm.act('n1', 'reset', input.signal);
    seen.push((await world.run(run.id)).tasks.a?.claim?.until ?? '');
    expect(Date.parse(seen[0] ?? '') - before).toBeGreaterThan(45_000);
    end({ ok: true });
    await world.until(run.id, ({ sweepKey }) => sweepKey === 'done');
  });
});

describe('a node whose state lasts too long', () => {
  it('is expired, and its run cancelled', async () => {
    world = await openWorld({ graphs: [agentGraph] });
    const { run } = await startOn(agentGraph);
    await modify(world.store.nodes, 'n1', (node) => ({
      ...node,
      state: { ...node.state, deadline: '2020-01-01T00:00:00.000Z' },
    }));
    const ended = await world.until(run.id, ({ sweepKey }) => sweepKey === 'done');
    expect(ended).toMatchObject({ state: 'cancelled', error: { reason: 'cancelled' } });
    const node = await world.store.nodes.get('n1');
    expect(node?.state.name).toBe('failed-discovery');
    expect(node?.state.reason).toContain('discovering since');
    expect(node?.state.deadline).toBeUndefined();
  });
});

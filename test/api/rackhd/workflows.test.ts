import { addNode, anyText, invalidOption, startWorld, type ApiWorld } from '../world.ts';
import type { Run } from '../../../src/model/run.ts';
import { modify } from '../../../src/store/modify.ts';
import { terminalOnStates } from '../../../src/api/rackhd/run-views.ts';

let world: ApiWorld;
beforeAll(async () => {
  world = await startWorld();
});
beforeEach(async () => {
  await world.reset();
});
afterAll(async () => {
  await world.close();
});

const base = '/api/2.0';
const noop = 'Graph.noop-example';
const unknownInstance = '00000000-0000-4000-8000-000000000000';

async function startOn(nodeId: string, body: object = { name: noop }): Promise<Record<string, unknown>> {
  const { status, json } = await world.call('POST', `${base}/nodes/${nodeId}/workflows`, body);
  expect(status).toBe(201);
  return json as Record<string, unknown>;
}

describe('starting', () => {
  test('answers the raw graph object: tasks by instance id, the definition whole', async () => {
    const node = await addNode(world.store);
    const run = await startOn(node.id, { name: noop, options: { defaults: { x: 1 } } });
    expect(run).toMatchObject({
      name: noop,
      injectableName: noop,
      instanceId: anyText,
      _status: 'running',
      status: 'running',
      node: node.id,
      definition: { injectableName: noop, options: { defaults: { x: 1 } } },
      context: { target: node.id, graphName: noop },
      createdAt: anyText,
    });
    const tasks = Object.entries(run.tasks as Record<string, Record<string, unknown>>);
    expect(tasks.map(([, { label, state }]) => [label, state])).toEqual([
      ['noop-1', 'pending'],
      ['noop-2', 'pending'],
    ]);
    const [[first, begun], [second, waiting]] = tasks as [[string, object], [string, object]];
    expect(begun).toMatchObject({ instanceId: first, taskStartTime: anyText, runJob: 'Job.noop' });
    expect(waiting).toMatchObject({ instanceId: second, waitingOn: { [first]: 'finished' } });
  });

  test('the name in the query wins over that of the body', async () => {
    const node = await addNode(world.store);
    const { status, json } = await world.call('POST', `${base}/nodes/${node.id}/workflows?name=${noop}`, { name: 'x' });
    expect([status, (json as { name: string }).name]).toEqual([201, noop]);
  });

  test.each([
    ['no name', {}, 400, 'Graph name is missing or in wrong format'],
    ['a name that is no text', { name: 5 }, 400, 'body.name'],
    ['an unknown graph', { name: 'Graph.Nope' }, 404, 'Graph.Nope'],
    ['invalid options', { name: noop, options: { [invalidOption]: 1 } }, 400, 'cannot be run'],
    ['options that are no object', { name: noop, options: 'x' }, 400, 'body.options'],
  ])('with %s', async (_what, body, expected, message) => {
    const node = await addNode(world.store);
    for (const path of [`${base}/nodes/${node.id}/workflows`, `${base}/workflows`]) {
      const { status, json } = await world.call('POST', path, body);
      expect([status, (json as { message: string }).message]).toEqual([expected, expect.stringContaining(message)]);
    }
  });

  test('the errors of invalid options are listed', async () => {
    const { json } = await world.call('POST', `${base}/workflows`, { name: noop, options: { [invalidOption]: 1 } });
    expect((json as { errors: string[] }).errors).toEqual([expect.stringContaining('noop-1: option x is required')]);
  });

  test('a second one on a node is refused', async () => {
    const node = await addNode(world.store);
    await startOn(node.id);
    const { status, json } = await world.call('POST', `${base}/nodes/${node.id}/workflows`, { name: noop });
    expect([status, (json as { message: string }).message]).toEqual([
      400,
      'Unable to run multiple task graphs against a single target.',
    ]);
  });

  test.each([
    ['defaults.nodeId', (id: string) => ({ defaults: { nodeId: id } })],
    ['defaults.graphOptions.target', (id: string) => ({ defaults: { graphOptions: { target: id } } })],
  ])('POST /workflows belongs to the node that %s names', async (_where, options) => {
    const node = await addNode(world.store);
    const posted = await world.call('POST', `${base}/workflows`, { name: noop, options: options(node.id) });
    expect([posted.status, posted.json]).toEqual([201, expect.objectContaining({ node: node.id })]);
    const elsewhere = await world.call('POST', `${base}/workflows`, { name: noop, options: options('nobody') });
    expect([elsewhere.status, elsewhere.json]).toEqual([201, expect.not.objectContaining({ node: anyText })]);
  });
});

describe('looking', () => {
  test('/workflows lists the views, filtered and in pages', async () => {
    const nodes = [await addNode(world.store), await addNode(world.store), await addNode(world.store)];
    const runs = [];
    for (const node of nodes) runs.push(await startOn(node.id));
    await world.call('PUT', `${base}/workflows/${String(runs[1]?.instanceId)}/action`, { command: 'cancel' });
    const list = async (query: string): Promise<unknown[]> =>
      (await world.call('GET', `${base}/workflows${query}`)).json as unknown[];
    expect(await list('')).toHaveLength(3);
    expect(await list('?active=true')).toHaveLength(2);
    expect(await list('?active=false')).toEqual([
      expect.objectContaining({ instanceId: runs[1]?.instanceId, status: 'cancelled', _status: 'cancelled' }),
    ]);
    expect(await list(`?node=${nodes[2]?.id}`)).toHaveLength(1);
    expect(await list('?_status=cancelled')).toHaveLength(1);
    expect(await list('?injectableName=x')).toEqual([]);
    expect(await list('?sort=name')).toHaveLength(3);
    const page = await world.call('GET', `${base}/workflows?active=true&$top=1`);
    expect(page.json).toHaveLength(1);
    expect(page.headers.link).toContain('</api/2.0/workflows?$skip=1&$top=1&active=true>; rel="next"');
    expect((await world.call('GET', `${base}/workflows?active=maybe`)).status).toBe(400);
    expect((await world.call('GET', `${base}/workflows?context.password=x`)).status).toBe(400);
  });

  test('one is the view: tasks as a list, the definition as a link that answers', async () => {
    const node = await addNode(world.store);
    const { instanceId, id } = await startOn(node.id);
    for (const name of [instanceId, id]) {
      const { status, json } = await world.call('GET', `${base}/workflows/${String(name)}`);
      expect([status, json]).toEqual([
        200,
        expect.objectContaining({
          id,
          instanceId,
          status: 'running',
          definition: `/api/2.0/workflows/graphs/${noop}`,
          tasks: [expect.objectContaining({ label: 'noop-1' }), expect.objectContaining({ label: 'noop-2' })],
        }),
      ]);
    }
  });

  test("a node's are raw, and active=true leaves out what ended", async () => {
    const node = await addNode(world.store);
    await startOn(node.id);
    await world.call('PUT', `${base}/nodes/${node.id}/workflows/action`, { command: 'cancel' });
    await startOn(node.id);
    const all = await world.call('GET', `${base}/nodes/${node.id}/workflows`);
    const definitions = (all.json as { definition: { tasks: unknown[] } }[]).map(({ definition }) => definition);
    expect(definitions.map(({ tasks }) => tasks.length)).toEqual([2, 2]);
    const active = await world.call('GET', `${base}/nodes/${node.id}/workflows?active=true`);
    expect(active.json).toEqual([expect.objectContaining({ _status: 'running' })]);
  });

  test.each(['GET', 'DELETE'])('%s of an unknown one is 404', async (method) => {
    for (const id of [unknownInstance, 'x', '5f0000000000000000000000', '%24where']) {
      expect((await world.call(method, `${base}/workflows/${id}`)).status).toBe(404);
    }
  });

  test('secrets in options and context are hidden', async () => {
    const node = await addNode(world.store);
    const body = {
      name: noop,
      options: { 'noop-1': { rootPassword: 'planted' } },
      context: { user: { password: 'planted' } },
    };
    await startOn(node.id, body);
    for (const path of ['/workflows', `/nodes/${node.id}/workflows`]) {
      const { text } = await world.call('GET', base + path);
      expect(text).not.toContain('planted');
      expect(text).toContain('[hidden]');
    }
  });
});

describe('ending', () => {
  test.each([
    ['the workflow', (_node: string, run: string) => `/workflows/${run}/action`],
    ['the node', (node: string) => `/nodes/${node}/workflows/action`],
  ])('cancel by %s is 202 with the place of the run', async (_by, path) => {
    const node = await addNode(world.store);
    const { instanceId } = await startOn(node.id);
    const place = base + path(node.id, String(instanceId));
    const { status, json, headers } = await world.call('PUT', place, { command: 'cancel', options: {} });
    expect([status, json]).toEqual([202, expect.objectContaining({ instanceId, _status: 'cancelled' })]);
    expect(headers.location).toBe(`/api/2.0/workflows/${String(instanceId)}`);
    const again = await world.call('PUT', place, { command: 'cancel' });
    expect(again.status).toBe(path.length === 1 ? 404 : 400);
  });

  test.each([{ command: 'dance' }, {}, null])('the action %j is 400', async (body) => {
    const node = await addNode(world.store);
    const { instanceId } = await startOn(node.id);
    for (const path of [`/workflows/${String(instanceId)}/action`, `/nodes/${node.id}/workflows/action`]) {
      expect((await world.call('PUT', base + path, body)).status).toBe(400);
    }
  });

  test('an active one cannot be deleted, one that ended can', async () => {
    const node = await addNode(world.store);
    const { instanceId } = await startOn(node.id);
    const path = `${base}/workflows/${String(instanceId)}`;
    expect((await world.call('DELETE', path)).status).toBe(403);
    const [run] = (await world.store.runs.find({})).items;
    await modify(world.store.runs, run!.id, (current): Run => ({ ...current, state: 'succeeded' }));
    expect((await world.call('DELETE', path)).status).toBe(403);
    await modify(world.store.runs, run!.id, (current): Run => ({ ...current, sweepKey: 'done' }));
    expect((await world.call('DELETE', path)).status).toBe(204);
    expect((await world.call('DELETE', path)).status).toBe(404);
  });
});

describe('the library', () => {
  const graph = {
    friendlyName: 'Mine',
    injectableName: 'Graph.Mine',
    options: { defaults: { a: 1 } },
    tasks: [{ label: 'one', taskName: 'Task.noop' }],
  };

  test('graphs are put, replaced, got as lists and deleted', async () => {
    for (const friendlyName of ['Mine', 'Mine too']) {
      const put = await world.call('PUT', `${base}/workflows/graphs`, { ...graph, friendlyName });
      expect([put.status, put.text, put.headers['content-type']]).toEqual([
        201,
        'Graph.Mine',
        'text/plain; charset=utf-8',
      ]);
    }
    const { json } = await world.call('GET', `${base}/workflows/graphs/Graph.Mine`);
    expect(json).toEqual([
      {
        friendlyName: 'Mine too',
        injectableName: 'Graph.Mine',
        options: { defaults: { a: 1 } },
        tasks: [{ label: 'one', taskName: '/api/2.0/workflows/tasks/Task.noop' }],
      },
    ]);
    expect((await world.call('PUT', `${base}/workflows/graphs`, (json as object[])[0])).status).toBe(201);
    const stored = await world.deps.definitions.graph('Graph.Mine');
    expect(stored?.tasks).toEqual([{ label: 'one', taskName: 'Task.noop' }]);
    const all = (await world.call('GET', `${base}/workflows/graphs`)).json as { injectableName: string }[];
    expect(all.map(({ injectableName }) => injectableName)).toEqual(expect.arrayContaining(['Graph.Mine', noop]));
    expect((await world.call('GET', `${base}/workflows/graphs/*`)).json).toEqual(all);
    expect((await world.call('DELETE', `${base}/workflows/graphs/Graph.Mine`)).status).toBe(204);
    expect((await world.call('DELETE', `${base}/workflows/graphs/Graph.Mine`)).status).toBe(404);
    const gone = await world.call('GET', `${base}/workflows/graphs/Graph.Mine`);
    expect([gone.status, gone.json]).toEqual([200, []]);
  });

  test.each([
    {},
    { ...graph, tasks: [] },
    { ...graph, tasks: [{ taskName: 'Task.noop' }] },
    { ...graph, tasks: [{ label: 'one', taskName: 'Task.Nope' }] },
    { ...graph, tasks: [{ label: 'one', taskName: 'Task.noop', waitOn: { two: 'finished' } }] },
  ])('the graph %j is 400', async (body) => {
    const { status, json } = await world.call('PUT', `${base}/workflows/graphs`, body);
    expect([status, json]).toEqual([400, expect.objectContaining({ status: '400' })]);
  });

  test('tasks are put, even with an unknown base, got as lists and deleted', async () => {
    const task = { friendlyName: 'T', injectableName: 'Task.Mine', implementsTask: 'Task.Base.Nope' };
    const put = await world.call('PUT', `${base}/workflows/tasks`, task);
    expect([put.status, put.json]).toEqual([201, { ...task, options: {}, properties: {} }]);
    expect((await world.call('GET', `${base}/workflows/tasks/Task.Mine`)).json).toEqual([
      { ...task, options: {}, properties: {} },
    ]);
    const names = ((await world.call('GET', `${base}/workflows/tasks`)).json as { injectableName: string }[]).map(
      ({ injectableName }) => injectableName,
    );
    expect(names).toEqual(expect.arrayContaining(['Task.Mine', 'Task.noop', 'Task.Base.noop']));
    expect((await world.call('DELETE', `${base}/workflows/tasks/Task.Mine`)).status).toBe(204);
    expect((await world.call('DELETE', `${base}/workflows/tasks/Task.Mine`)).status).toBe(404);
    expect((await world.call('GET', `${base}/workflows/tasks/Task.Mine`)).json).toEqual([]);
    expect((await world.call('PUT', `${base}/workflows/tasks`, { friendlyName: 'T' })).status).toBe(400);
  });
});

test.each([
  [{}, ['succeeded', 'failed', 'timeout', 'cancelled']],
  [{ a: 'finished' }, []],
  [{ a: 'succeeded' }, ['failed', 'timeout', 'cancelled']],
  [{ a: ['failed', 'timeout'] }, ['succeeded', 'cancelled']],
  [{ anyOf: { a: 'failed' } }, ['succeeded', 'timeout', 'cancelled']],
  [{ b: 'failed' }, ['succeeded', 'failed', 'timeout', 'cancelled']],
] as const)('a task awaited by %j ends the graph on %j', (waitOn, expected) => {
  const other = { waitOn } as unknown as Parameters<typeof terminalOnStates>[1][number];
  expect(terminalOnStates('a', [other])).toEqual(expected);
});

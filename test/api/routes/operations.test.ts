import { addNode, invalidOption, startWorld, type ApiWorld } from '../world.ts';
import type { Node } from '../../../src/model/node.ts';
import type { ObmResult } from '../../../src/obm/driver.ts';

let world: ApiWorld;
let node: Node;
beforeAll(async () => {
  world = await startWorld();
});
beforeEach(async () => {
  await world.reset();
  node = await addNode(world.store);
});
afterAll(async () => {
  await world.close();
});

const withObm = async (): Promise<void> => {
  await world.call('PUT', `/api/2.0/nodes/${node.id}/obm`, { service: 'noop-obm-service', config: {} });
};

describe('operations', () => {
  test('starting one answers 202 with its place, where it is found until it ends and after', async () => {
    const started = await world.call('POST', `/nodes/${node.id}/workflows`, { graph: 'Graph.noop-example' });
    const { id } = started.json as { id: string };
    expect([started.status, started.headers.location]).toEqual([202, `/operations/${id}`]);
    const got = await world.call('GET', `/operations/${id}`);
    expect([got.status, got.json]).toEqual([200, started.json]);
    expect(got.json).toMatchObject({
      graph: 'Graph.noop-example',
      state: 'running',
      nodeId: node.id,
      tasks: [
        { label: 'noop-1', state: 'claimed', attempt: 1 },
        { label: 'noop-2', state: 'pending' },
      ],
    });
    expect((await world.call('GET', `/nodes/${node.id}`)).json).toMatchObject({ operation: id });
    const cancelled = await world.call('POST', `/operations/${id}/cancel`, { reason: 'changed my mind' });
    expect([cancelled.status, cancelled.json]).toEqual([
      202,
      expect.objectContaining({ state: 'cancelled', error: { reason: 'cancelled', message: 'changed my mind' } }),
    ]);
    expect((await world.call('POST', `/operations/${id}/cancel`)).status).toBe(409);
  });

  test('the list is newest first, filtered, in pages', async () => {
    const other = await addNode(world.store);
    for (const { id } of [node, other])
      await world.call('POST', `/nodes/${id}/workflows`, { graph: 'Graph.noop-example' });
    const first = (await world.call('GET', '/operations?limit=1')).json as { items: unknown[]; next: string };
    expect(first.items).toHaveLength(1);
    const second = (await world.call('GET', `/operations?limit=1&cursor=${first.next}`)).json as { items: unknown[] };
    expect([...first.items, ...second.items]).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ nodeId: node.id }),
        expect.objectContaining({ nodeId: other.id }),
      ]),
    );
    expect((await world.call('GET', `/operations?node=${node.id}`)).json).toMatchObject({
      items: [{ nodeId: node.id }],
    });
    expect((await world.call('GET', '/operations?state=failed')).json).toEqual({ items: [] });
    expect((await world.call('GET', '/operations?state=bad')).status).toBe(400);
  });

  test.each([
    [{}, 400, 'body.graph'],
    [{ graph: 'Graph.Nope' }, 404, 'Graph.Nope'],
    [{ graph: 'Graph.noop-example', options: { [invalidOption]: 1 } }, 400, 'cannot be run'],
    [{ graph: 'Graph.noop-example', x: 1 }, 400, 'x'],
  ])('starting %j is %d and says %s', async (body, expected, words) => {
    const { status, json } = await world.call('POST', `/nodes/${node.id}/workflows`, body);
    expect([status, (json as { detail: string }).detail]).toEqual([expected, expect.stringContaining(words)]);
  });

  test('a busy node refuses with the operation that it is busy with', async () => {
    const { json } = await world.call('POST', `/nodes/${node.id}/workflows`, { graph: 'Graph.noop-example' });
    const { id } = json as { id: string };
    const second = await world.call('POST', `/nodes/${node.id}/workflows`, { graph: 'Graph.noop-example' });
    expect([second.status, second.headers.location]).toEqual([409, `/operations/${id}`]);
    expect((second.json as { detail: string }).detail).toContain(id);
  });

  test.each(['5f0000000000000000000000', 'x', '00000000-0000-4000-8000-000000000000'])(
    'operation %s is 404',
    async (id) => {
      expect((await world.call('GET', `/operations/${id}`)).status).toBe(404);
      expect((await world.call('POST', `/operations/${id}/cancel`)).status).toBe(404);
    },
  );
});

describe('power', () => {
  test('an action runs its graph', async () => {
    await withObm();
    const { status, json, headers } = await world.call('POST', `/nodes/${node.id}/power`, { action: 'on' });
    expect([status, json]).toEqual([202, expect.objectContaining({ graph: 'Graph.PowerOn.Node', nodeId: node.id })]);
    expect((await world.call('GET', headers.location!)).status).toBe(200);
    expect((await world.call('POST', `/nodes/${node.id}/power`, { action: 'cycle' })).status).toBe(409);
  });

  test('an action on a node whose BMC is unknown says what to do', async () => {
    const { status, json } = await world.call('POST', `/nodes/${node.id}/power`, { action: 'on' });
    expect([status, (json as { detail: string }).detail]).toEqual([
      409,
      expect.stringContaining(`/nodes/${node.id}/obm`),
    ]);
  });

  test.each([{}, { action: 'explode' }, { action: 'on', now: true }])('%j is 400', async (body) => {
    await withObm();
    expect((await world.call('POST', `/nodes/${node.id}/power`, body)).status).toBe(400);
  });

  const failed = (reason: Extract<ObmResult, { ok: false }>['reason']): ObmResult => ({
    ok: false,
    reason,
    message: 'words',
  });
  test.each<[ObmResult, number, unknown]>([
    [{ ok: true, power: 'on' }, 200, { power: 'on' }],
    [{ ok: true, power: 'off' }, 200, { power: 'off' }],
    [{ ok: true }, 200, { power: 'unknown' }],
    [failed('no-obm'), 409, expect.objectContaining({ status: 409 })],
    [failed('auth'), 502, expect.objectContaining({ detail: 'words' })],
    [failed('refused'), 502, expect.objectContaining({ detail: 'words' })],
    [failed('unreachable'), 504, expect.objectContaining({ detail: 'words' })],
    [failed('timeout'), 504, expect.objectContaining({ detail: 'words' })],
  ])('the answer %j of the BMC is %d', async (result, expected, body) => {
    world.bmc = result;
    const { status, json } = await world.call('GET', `/nodes/${node.id}/power`);
    expect([status, json]).toEqual([expected, body]);
  });
});

describe('leases, health and metrics', () => {
  test('leases are listed with the node that has the MAC', async () => {
    const lease = {
      subnet: '172.31.128.0/24',
      address: '172.31.128.5',
      mac: '52:54:00:00:00:01',
      state: 'bound',
      expiresAt: '2026-01-02T00:00:00.000Z',
    } as const;
    const draft = { ...lease, clientKey: 'c', addressKey: 'a' };
    await world.store.leases.insert(draft);
    await world.store.lookups.insert({ macAddress: lease.mac, node: node.id });
    expect((await world.call('GET', '/leases')).json).toEqual({ items: [{ ...lease, nodeId: node.id }] });
    expect((await world.call('GET', '/leases?subnet=10.0.0.0/8')).json).toEqual({ items: [] });
    expect((await world.call('GET', '/leases?colour=x')).status).toBe(400);
  });

  test('health is 200, or 503 with the part that is not well', async () => {
    expect((await world.call('GET', '/healthz')).status).toBe(200);
    world.health = { ok: false, parts: { store: { ok: false, detail: 'disk full' } } };
    const { status, json } = await world.call('GET', '/healthz');
    expect([status, json]).toEqual([503, world.health]);
  });

  test('metrics are the text that the registry gives', async () => {
    const { text, headers } = await world.call('GET', '/metrics');
    expect([text, headers['content-type']]).toEqual([
      expect.stringContaining('up 1'),
      'text/plain; version=0.0.4; charset=utf-8',
    ]);
  });
});

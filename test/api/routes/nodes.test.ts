import { addNode, anyText, startWorld, type ApiWorld } from '../world.ts';
import { nodeStates, type NodeStateName } from '../../../src/model/node-states.ts';

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

const unknownId = '5f0000000000000000000000';
interface List {
  readonly items: { id: string; name: string }[];
  readonly next?: string;
}
const list = async (query: string): Promise<List> => (await world.call('GET', `/nodes${query}`)).json as List;

describe('GET /nodes', () => {
  test('shows what catalogs told, and the addresses of the lookups, the BMC apart', async () => {
    const summary = {
      serial: 'S1',
      cpuModel: 'CPU',
      cpuCount: 2,
      cpuCores: 8,
      memoryBytes: 2 ** 34,
      macs: ['52:54:00:00:00:01'],
      bmcMac: '52:54:00:00:00:99',
    };
    const node = await addNode(world.store, {
      summary,
      state: { name: 'discovered', since: '2026-01-01T00:00:00.000Z', eventId: 'e' },
    });
    for (const [macAddress, ipAddress] of [
      ['52:54:00:00:00:01', '172.31.128.5'],
      ['52:54:00:00:00:99', '172.31.129.5'],
    ] as const) {
      await world.store.lookups.insert({ macAddress, ipAddress, node: node.id });
    }
    await world.store.lookups.insert({ macAddress: '52:54:00:00:00:02', node: node.id });
    expect(await list('?type=compute')).toEqual({
      items: [
        {
          id: node.id,
          name: 'node',
          type: 'compute',
          state: { name: 'discovered', since: '2026-01-01T00:00:00.000Z' },
          summary,
          identifiers: [],
          tags: [],
          sku: null,
          addresses: [{ mac: '52:54:00:00:00:01', address: '172.31.128.5' }],
          bmc: { address: '172.31.129.5', mac: '52:54:00:00:00:99' },
          createdAt: node.createdAt,
          updatedAt: node.updatedAt,
        },
      ],
    });
  });

  test.each([
    ['type=switch', ['b']],
    ['type=switch&type=compute', ['a', 'b', 'c']],
    ['state=discovering', ['b']],
    ['name=a', ['a']],
    ['tag=t1', ['a', 'b']],
    ['serial=S3', ['c']],
    ['mac=52-54-00-00-00-0A', ['a']],
    ['identifier=alias', ['b']],
    ['address=172.31.128.9', ['c']],
    ['address=172.31.128.10', []],
    ['type=compute&tag=t1', ['a']],
    ['sort=-name', ['c', 'b', 'a']],
    ['sort=name', ['a', 'b', 'c']],
  ])('?%s', async (query, expected) => {
    await addNode(world.store, { name: 'a', tags: ['t1'], identifiers: ['52:54:00:00:00:0a'] });
    await addNode(world.store, {
      name: 'b',
      type: 'switch',
      tags: ['t1', 't2'],
      identifiers: ['alias'],
      state: { name: 'discovering', since: '2026-01-01T00:00:00.000Z' },
    });
    const c = await addNode(world.store, { name: 'c', summary: { serial: 'S3' } });
    await world.store.lookups.insert({ macAddress: '52:54:00:00:00:0c', ipAddress: '172.31.128.9', node: c.id });
    const names = (await list(`?${query}`)).items.map(({ name }) => name);
    expect(query.startsWith('sort') ? names : names.toSorted()).toEqual(expected);
  });

  test.each(['', 'sort=-name&'])('pages by cursor hold each node once (%s)', async (sort) => {
    for (let index = 0; index < 7; index++) await addNode(world.store, { name: `n${index % 3}` });
    const seen: string[] = [];
    let cursor = '';
    for (;;) {
      const page = await list(`?${sort}limit=3${cursor}`);
      expect(page.items.length).toBeLessThanOrEqual(3);
      seen.push(...page.items.map(({ id }) => id));
      if (page.next === undefined) break;
      cursor = `&cursor=${encodeURIComponent(page.next)}`;
    }
    expect([seen.length, new Set(seen).size]).toEqual([7, 7]);
  });

  test.each([
    ['limit=0', 'query.limit'],
    ['limit=1001', 'query.limit'],
    ['limit=x', 'query.limit'],
    ['cursor=nonsense', 'after'],
    ['sort=colour', 'query.sort'],
    ['colour=blue', 'query'],
    ['mac=x', 'query.mac'],
    ['address=::1', 'query.address'],
    ['mac=52:54:00:00:00:01&identifier=x', 'query'],
  ])('?%s is a problem that names %s', async (query, field) => {
    const { status, headers, json } = await world.call('GET', `/nodes?${query}`);
    expect([status, headers['content-type']]).toEqual([400, 'application/problem+json']);
    expect(json).toMatchObject({ status: 400, errors: [{ field, expected: anyText }] });
  });
});

describe('one node', () => {
  test.each(['id', 'web-1', 'S1', '52:54:00:00:00:0A', '172.31.128.9'])('is found by %s', async (word) => {
    const node = await addNode(world.store, {
      name: 'web-1',
      identifiers: ['52:54:00:00:00:0a'],
      summary: { serial: 'S1' },
    });
    await world.store.lookups.insert({ macAddress: '52:54:00:00:00:0c', ipAddress: '172.31.128.9', node: node.id });
    const { status, json } = await world.call('GET', `/nodes/${word === 'id' ? node.id : word}`);
    expect([status, json]).toEqual([
      200,
      expect.objectContaining({ id: node.id, moves: ['maintenance'], obms: [], relations: [] }),
    ]);
  });

  test('a word that fits several is refused with their ids', async () => {
    const nodes = [await addNode(world.store, { name: 'same' }), await addNode(world.store, { name: 'same' })];
    const { status, json } = await world.call('GET', '/nodes/same');
    expect(status).toBe(409);
    for (const { id } of nodes) expect((json as { detail: string }).detail).toContain(id);
  });

  test.each(
    ['', '/timeline', '/diagnosis', '/catalogs', '/catalogs/dmi', '/power'].flatMap((path) =>
      [unknownId, 'x', '%24', '%00'].map((id) => [id, path]),
    ),
  )('GET /nodes/%s%s is 404', async (id, path) => {
    const { status, headers } = await world.call('GET', `/nodes/${id}${path}`);
    expect([status, headers['content-type']]).toEqual([404, 'application/problem+json']);
  });

  test('what changes a node takes its id only', async () => {
    await addNode(world.store, { name: 'web-1' });
    for (const [method, path, body] of [
      ['DELETE', '', undefined],
      ['POST', '/maintenance', {}],
      ['POST', '/power', { action: 'on' }],
      ['POST', '/workflows', { graph: 'Graph.noop-example' }],
    ] as const) {
      expect((await world.call(method, `/nodes/web-1${path}`, body)).status).toBe(404);
    }
  });

  test('catalogs come newest first, one source as the newest', async () => {
    const node = await addNode(world.store);
    await world.store.catalogs.insert({ nodeId: node.id, source: 'dmi', data: { n: 1 }, origin: '1' });
    await new Promise((resolve) => setTimeout(resolve, 5));
    await world.store.catalogs.insert({ nodeId: node.id, source: 'dmi', data: { n: 2 }, origin: '2' });
    const all = await world.call('GET', `/nodes/${node.id}/catalogs`);
    expect((all.json as { data: unknown }[]).map(({ data }) => data)).toEqual([{ n: 2 }, { n: 1 }]);
    const one = await world.call('GET', `/nodes/${node.id}/catalogs/dmi`);
    expect(one.json).toMatchObject({ source: 'dmi', data: { n: 2 } });
    expect((await world.call('GET', `/nodes/${node.id}/catalogs?source=bmc`)).json).toEqual([]);
  });

  test('DELETE is 204, then 404; 409 while an operation is active', async () => {
    const node = await addNode(world.store);
    await world.call('POST', `/nodes/${node.id}/workflows`, { graph: 'Graph.noop-example' });
    expect((await world.call('DELETE', `/nodes/${node.id}`)).status).toBe(409);
    const [run] = (await world.store.runs.find({})).items;
    await world.call('POST', `/operations/${run!.id}/cancel`);
    expect((await world.call('DELETE', `/nodes/${node.id}`)).status).toBe(204);
    expect((await world.call('DELETE', `/nodes/${node.id}`)).status).toBe(404);
  });

  test('the timeline is JSON, or text', async () => {
    const node = await addNode(world.store);
    const fact = {
      kind: 'node.state',
      how: 'self',
      text: 'something',
      nodeId: node.id,
      at: '2026-01-01T00:00:00.000Z',
    } as const;
    await world.facts.append([{ ...fact, data: { token: 'planted', x: 1 } }]);
    const json = await world.call('GET', `/nodes/${node.id}/timeline`);
    expect(json.json).toEqual({ items: [{ ...fact, id: anyText, data: { token: '[hidden]', x: 1 } }] });
    const text = await world.call('GET', `/nodes/${node.id}/timeline?format=text`);
    expect([text.headers['content-type'], text.text]).toEqual([
      'text/plain; charset=utf-8',
      '2026-01-01T00:00:00.000Z something\n',
    ]);
    expect((await world.call('GET', `/nodes/${node.id}/timeline?format=xml`)).status).toBe(400);
    expect((await world.call('GET', `/nodes/${node.id}/diagnosis`)).json).toMatchObject({
      name: node.id,
      verdicts: [],
    });
  });
});

test('a MAC that is no node yet has a timeline and a diagnosis', async () => {
  const mac = '52:54:00:00:00:77';
  world.facts.record({ kind: 'dhcp.discover', how: 'packet', text: 'asked', mac });
  await world.facts.flush();
  const timeline = await world.call('GET', '/nodes/52-54-00-00-00-77/timeline');
  expect(timeline.json).toMatchObject({ items: [{ text: 'asked', mac }] });
  expect((await world.call('GET', `/nodes/${mac}/diagnosis`)).json).toMatchObject({ name: mac });
  expect((await world.call('GET', `/nodes/${mac}`)).status).toBe(404);
});

describe("an operator's moves", () => {
  const at = '2026-01-01T00:00:00.000Z';
  const legal: Record<NodeStateName, string[]> = {
    new: ['maintenance'],
    discovering: [],
    discovered: ['maintenance'],
    'failed-discovery': ['maintenance'],
    available: ['maintenance'],
    deploying: [],
    deployed: [],
    'failed-deploy': ['maintenance'],
    releasing: [],
    'failed-release': ['maintenance'],
    maintenance: ['resume'],
  };

  test.each(Object.keys(nodeStates) as NodeStateName[])('from %s only those of the table', async (name) => {
    for (const move of ['maintenance', 'resume']) {
      const node = await addNode(world.store, { state: { name, since: at } });
      const { status, json } = await world.call('POST', `/nodes/${node.id}/${move}`, { reason: 'disk' });
      if (legal[name].includes(move)) {
        const state = { name: move === 'resume' ? 'new' : 'maintenance', reason: 'disk', since: anyText };
        expect([status, json]).toEqual([200, expect.objectContaining({ id: node.id, state })]);
      } else {
        expect(status).toBe(409);
        const { detail } = json as { detail: string };
        expect(detail).toContain(`'${name}'`);
        expect(detail).toContain(legal[name][0] ?? 'none is possible');
        expect((await world.store.nodes.get(node.id))?.state).toEqual({ name, since: at });
      }
    }
  });

  test('a move is a fact; its body may be left out', async () => {
    const node = await addNode(world.store);
    expect((await world.call('POST', `/nodes/${node.id}/maintenance`)).status).toBe(200);
    const { items } = await world.store.facts.find({ where: { nodeId: node.id } });
    expect(items).toEqual([expect.objectContaining({ kind: 'node.state', how: 'self' })]);
  });

  test.each([{ reason: 5 }, { why: 'x' }, []])('the body %j is 400', async (body) => {
    const node = await addNode(world.store);
    expect((await world.call('POST', `/nodes/${node.id}/maintenance`, body)).status).toBe(400);
  });
});

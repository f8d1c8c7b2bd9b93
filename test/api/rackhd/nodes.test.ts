import { addNode, anyText, startWorld, type ApiWorld } from '../world.ts';
import { ask } from '../../support/http.ts';

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

describe.each(['/api/2.0', '/api/current'])('nodes under %s', (base) => {
  test('a posted node is answered raw, listed as the view, and got by its id', async () => {
    const body = { name: 'n1', type: 'switch', identifiers: ['FF', '52:54:00:AA:BB:CC'], tags: ['blue'] };
    const posted = await world.call('POST', `${base}/nodes`, body);
    expect(posted.status).toBe(201);
    const raw = posted.json as Record<string, unknown>;
    expect(raw).toMatchObject({
      name: 'n1',
      type: 'switch',
      identifiers: ['FF', '52:54:00:aa:bb:cc'],
      tags: ['blue'],
      autoDiscover: false,
    });
    const id = raw.id as string;
    const view = {
      autoDiscover: false,
      catalogs: `/api/2.0/nodes/${id}/catalogs`,
      id,
      ibms: [],
      identifiers: ['FF', '52:54:00:aa:bb:cc'],
      name: 'n1',
      obms: [],
      pollers: `/api/2.0/nodes/${id}/pollers`,
      relations: [],
      sku: null,
      tags: `/api/2.0/nodes/${id}/tags`,
      type: 'switch',
      workflows: `/api/2.0/nodes/${id}/workflows`,
    };
    const list = await world.call('GET', `${base}/nodes`);
    expect([list.status, list.json]).toEqual([200, [view]]);
    const got = await world.call('GET', `${base}/nodes/${id}`);
    expect([got.status, got.json]).toEqual([200, view]);
  });
});

describe('GET /nodes', () => {
  const names = ['delta', 'Alpha', 'charlie', 'bravo'];
  const listNames = async (query: string): Promise<string[]> => {
    const { json } = await world.call('GET', `/api/2.0/nodes${query}`);
    return (json as { name: string }[]).map(({ name }) => name);
  };
  beforeEach(async () => {
    for (const name of names) {
      await addNode(world.store, {
        // Ids of one second are in no order, so the list's order is given here.
        id: `5f000000000000000000000${names.indexOf(name) + 1}`,
        name,
        type: name === 'delta' ? 'switch' : 'compute',
        identifiers: [`52:54:00:00:00:0${names.indexOf(name)}`, `${name}-serial`],
        tags: ['all', name],
        autoDiscover: name === 'bravo',
      });
    }
  });

  test.each([
    ['?type=compute', ['Alpha', 'charlie', 'bravo']],
    ['?type=switch', ['delta']],
    ['?type=compute&type=switch', names],
    ['?type=nothing', []],
    ['?name=charlie', ['charlie']],
    ['?identifiers=bravo-serial', ['bravo']],
    ['?identifiers=52-54-00-00-00-01', ['Alpha']],
    ['?tags=delta', ['delta']],
    ['?autoDiscover=true', ['bravo']],
    ['?noSuchField=x', []],
    ['?constructor=x', []],
    ['?toString=x&hasOwnProperty=y', []],
    ['?$top=2', ['delta', 'Alpha']],
    ['?$skip=1&$top=2', ['Alpha', 'charlie']],
    ['?$skip=3', ['bravo']],
    ['?$skip=9', []],
    ['?sort=name', ['Alpha', 'bravo', 'charlie', 'delta']],
    ['?sort=%2Bname', ['Alpha', 'bravo', 'charlie', 'delta']],
    ['?sort=+name', ['Alpha', 'bravo', 'charlie', 'delta']],
    ['?sort=-name', ['delta', 'charlie', 'bravo', 'Alpha']],
    ['?sort=id', names],
    ['?sort=-id', [...names].reverse()],
  ])('%s', async (query, expected) => {
    expect(await listNames(query)).toEqual(expected);
  });

  test('a page smaller than the list has links to the others, with the filter kept', async () => {
    const { headers } = await world.call('GET', '/api/2.0/nodes?type=compute&$skip=1&$top=1');
    expect(headers.link).toBe(
      [
        '</api/2.0/nodes?$skip=0&$top=1&type=compute>; rel="first"',
        '</api/2.0/nodes?$skip=2&$top=1&type=compute>; rel="last"',
        '</api/2.0/nodes?$skip=0&$top=1&type=compute>; rel="prev"',
        '</api/2.0/nodes?$skip=2&$top=1&type=compute>; rel="next"',
      ].join(', '),
    );
  });

  test('a whole list has no links', async () => {
    expect((await world.call('GET', '/api/2.0/nodes?$top=4')).headers.link).toBeUndefined();
  });

  test.each([
    '?sort=color',
    '?sort=--name',
    '?$top=0',
    '?$top=-1',
    '?$top=x',
    '?$skip=1.5',
    '?bootSettings.password=x',
  ])('%s is refused in the form of RackHD', async (query) => {
    const { status, json } = await world.call('GET', `/api/2.0/nodes${query}`);
    expect(status).toBe(400);
    expect(json).toMatchObject({ status: '400', message: anyText, errors: [anyText] });
    expect((json as { UUID: string }).UUID).toMatch(/^[0-9a-f-]{36}$/);
  });
});

describe('one node', () => {
  const paths = ['', '/catalogs', '/catalogs/dmi', '/obm', '/tags', '/workflows'];

  test.each(paths.flatMap((path) => [unknownId, 'x', '..%2f', '%00', '52:54:00:00:00:99'].map((id) => [id, path])))(
    'GET /nodes/%s%s is 404',
    async (id, path) => {
      const { status, json } = await world.call('GET', `/api/2.0/nodes/${id}${path}`);
      expect(status).toBe(404);
      expect(json).toMatchObject({ status: '404', message: anyText, UUID: anyText });
    },
  );

  test.each([
    ['PATCH', '', {}],
    ['DELETE', '', undefined],
    ['PUT', '/obm', { service: 'noop-obm-service', config: {} }],
    ['PATCH', '/tags', { tags: ['a'] }],
    ['DELETE', '/tags/a', undefined],
    ['POST', '/workflows', { name: 'Graph.noop-example' }],
    ['PUT', '/workflows/action', { command: 'cancel' }],
  ])('%s /nodes/<unknown>%s is 404', async (method, path, body) => {
    expect((await world.call(method, `/api/2.0/nodes/${unknownId}${path}`, body)).status).toBe(404);
  });

  test('GET takes the id only; PATCH takes an identifier, a MAC and an address of the lookups, too', async () => {
    const node = await addNode(world.store, { identifiers: ['52:54:00:00:00:01', 'alias'] });
    await world.store.lookups.insert({ macAddress: '52:54:00:00:00:02', ipAddress: '172.31.128.7', node: node.id });
    for (const word of ['alias', '52:54:00:00:00:01', '52:54:00:00:00:02', '172.31.128.7']) {
      expect((await world.call('GET', `/api/2.0/nodes/${word}`)).status).toBe(404);
      const patched = await world.call('PATCH', `/api/2.0/nodes/${word}`, { name: `by ${word}` });
      expect([patched.status, patched.json]).toEqual([200, expect.objectContaining({ name: `by ${word}` })]);
    }
  });

  test('PATCH replaces the given fields, and takes back what GET gave', async () => {
    const node = await addNode(world.store, { tags: ['kept'], identifiers: ['a'], sku: 'sku1' });
    const { json: view } = await world.call('GET', `/api/2.0/nodes/${node.id}`);
    const back = await world.call('PATCH', `/api/2.0/nodes/${node.id}`, { ...(view as object), name: 'renamed' });
    expect(back.status).toBe(200);
    expect(back.json).toMatchObject({ name: 'renamed', tags: ['kept'], identifiers: ['a'], sku: 'sku1' });
    const again = await world.call('PATCH', `/api/2.0/nodes/${node.id}`, { tags: ['new'] });
    expect(again.json).toMatchObject({ name: 'renamed', tags: ['new'] });
  });

  test.each(['obms', 'obmSettings'])('PATCH and POST take %s', async (key) => {
    const obms = [{ service: 'noop-obm-service', config: { x: 1 } }];
    const { json } = await world.call('POST', '/api/2.0/nodes', { name: 'n', type: 'mgmt', [key]: obms });
    const { id } = json as { id: string };
    const patched = await world.call('PATCH', `/api/2.0/nodes/${id}`, {
      [key]: [{ service: 'ipmi-obm-service', config: { host: '10.0.0.1', user: 'u', password: 'p' } }],
    });
    expect(patched.status).toBe(200);
    const { json: view } = await world.call('GET', `/api/2.0/nodes/${id}`);
    const services = (view as { obms: { service: string; ref: string }[] }).obms;
    expect(services.map(({ service }) => service).toSorted()).toEqual(['ipmi-obm-service', 'noop-obm-service']);
    for (const { ref } of services) expect((await world.call('GET', ref)).status).toBe(200);
  });

  test.each([
    [{}, 'body.name'],
    [{ name: 'n' }, 'body.type'],
    [{ name: 'n', type: 'toaster' }, 'body.type'],
    [{ name: 1, type: 'compute' }, 'body.name'],
    [{ name: 'n', type: 'compute', identifiers: 'FF' }, 'body.identifiers'],
    [{ name: 'n', type: 'compute', identifiers: [1] }, 'body.identifiers[0]'],
    [{ name: 'n', type: 'compute', colour: 'blue' }, 'colour'],
    [{ name: 'n', type: 'compute', obms: [{ service: 'nope', config: {} }] }, 'nope'],
    [[], 'body'],
    ['text', 'body'],
  ])('POST %j is 400 and names %s', async (body, named) => {
    const { status, text } = await world.call('POST', '/api/2.0/nodes', body);
    expect(status).toBe(400);
    expect(text).toContain(named);
    expect(await world.store.nodes.count()).toBe(0);
    expect(await world.store.obms.count()).toBe(0);
  });

  test('DELETE removes what belongs to the node, and lookups forget it', async () => {
    const node = await addNode(world.store);
    const base = `/api/2.0/nodes/${node.id}`;
    await world.call('PUT', `${base}/obm`, { service: 'noop-obm-service', config: {} });
    await world.store.catalogs.insert({ nodeId: node.id, source: 'dmi', data: {}, origin: 'o' });
    await world.store.lookups.insert({ macAddress: '52:54:00:00:00:02', node: node.id });
    expect((await world.call('DELETE', base, [])).status).toBe(204);
    expect((await world.call('DELETE', base, [])).status).toBe(404);
    expect([await world.store.obms.count(), await world.store.catalogs.count()]).toEqual([0, 0]);
    const { json } = await world.call('GET', '/api/2.0/lookups');
    expect(json).toEqual([expect.not.objectContaining({ node: anyText })]);
  });

  test('DELETE takes the nodes that it encloses with it, and undoes other relations', async () => {
    const inside = await addNode(world.store);
    const other = await addNode(world.store);
    const node = await addNode(world.store, {
      relations: [
        { relationType: 'encloses', targets: [inside.id] },
        { relationType: 'powers', targets: [other.id] },
      ],
    });
    await world.call('PATCH', `/api/2.0/nodes/${other.id}`, {
      relations: [{ relationType: 'poweredBy', targets: [node.id] }],
    });
    expect((await world.call('DELETE', `/api/2.0/nodes/${node.id}`)).status).toBe(204);
    expect((await world.store.nodes.find({})).items).toEqual([
      expect.objectContaining({ id: other.id, relations: [] }),
    ]);
  });

  test('DELETE is refused while a workflow is active', async () => {
    const node = await addNode(world.store);
    await world.call('POST', `/api/2.0/nodes/${node.id}/workflows`, { name: 'Graph.noop-example' });
    const { status, json } = await world.call('DELETE', `/api/2.0/nodes/${node.id}`);
    expect([status, (json as { message: string }).message]).toEqual([
      400,
      `Could not remove node ${node.id}, active workflow is running`,
    ]);
  });

  test('tags are added, listed and removed from one node and from all', async () => {
    const [one, two] = [await addNode(world.store, { tags: ['old'] }), await addNode(world.store, { tags: ['a'] })];
    const base = `/api/2.0/nodes/${one.id}/tags`;
    const patched = await world.call('PATCH', base, { tags: ['a', 'b'] });
    expect([patched.status, patched.json]).toEqual([200, ['a', 'b']]);
    expect((await world.call('GET', base)).json).toEqual(['old', 'a', 'b']);
    expect((await world.call('DELETE', `${base}/b`)).status).toBe(204);
    expect((await world.call('DELETE', '/api/2.0/nodes/tags/a')).status).toBe(204);
    expect((await world.call('DELETE', '/api/2.0/nodes/tags/a')).status).toBe(404);
    expect((await world.call('GET', base)).json).toEqual(['old']);
    expect((await world.call('GET', `/api/2.0/nodes/${two.id}/tags`)).json).toEqual([]);
    expect((await world.call('PATCH', base, { tags: 'a' })).status).toBe(400);
  });
});

describe('what clients send', () => {
  const json = { 'content-type': 'application/json' };

  test.each([
    ['GET', '/nodes', undefined, 200],
    ['GET', '/nodes', 'null', 200],
    ['GET', '/nodes', '[]', 200],
    ['GET', '/nodes', '{}', 200],
    ['DELETE', `/nodes/${unknownId}`, '[]', 404],
    ['DELETE', `/nodes/${unknownId}`, 'null', 404],
    ['DELETE', `/nodes/${unknownId}`, '{}', 404],
    ['POST', '/workflows?name=Graph.noop-example', 'null', 201],
    ['POST', '/workflows?name=Graph.noop-example', '{}', 201],
    ['POST', '/workflows?name=Graph.noop-example', undefined, 201],
    ['PATCH', '/config', '{}', 200],
    ['PATCH', '/config', 'null', 200],
  ])('%s %s with the body %s is %d', async (method, path, body, expected) => {
    const options = { method, headers: json, ...(body === undefined ? {} : { body }) };
    expect((await ask(`${world.url}/api/2.0${path}`, options)).status).toBe(expected);
  });

  test.each(['JWT abc', 'None'])('credentials %s are ignored', async (token) => {
    const headers = { ...json, authorization: token, 'x-auth-token': token };
    expect((await ask(`${world.url}/api/2.0/nodes/`, { headers })).status).toBe(200);
  });

  test.each(['{"name":', '{"name":"n",}', "{'a':1}", 'name=n'])(
    'the body %s is 400 in the form of RackHD',
    async (body) => {
      const answer = await ask(`${world.url}/api/2.0/nodes`, { method: 'POST', headers: json, body });
      expect(answer.status).toBe(400);
      expect(answer.json).toMatchObject({ status: '400', message: anyText });
      expect(answer.text).toContain('JSON');
    },
  );

  test('an unknown path is 404, an unknown method 405, both in the form of RackHD', async () => {
    for (const [method, path, status] of [
      ['GET', '/nothing', 404],
      ['PUT', '/nodes', 405],
    ] as const) {
      const answer = await world.call(method, `/api/2.0${path}`);
      expect([answer.status, answer.json]).toEqual([status, expect.objectContaining({ status: String(status) })]);
    }
  });
});

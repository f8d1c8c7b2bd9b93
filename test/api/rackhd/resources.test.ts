import { addNode, anyText, startWorld, type ApiWorld } from '../world.ts';

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
const get = async (path: string): Promise<[number, unknown]> => {
  const { status, json } = await world.call('GET', `/api/2.0${path}`);
  return [status, json];
};

describe('catalogs', () => {
  test('lists give links, one source the bare id and only the newest', async () => {
    const node = await addNode(world.store);
    const other = await addNode(world.store);
    for (const [nodeId, source, data] of [
      [node.id, 'dmi', { old: true }],
      [node.id, 'lshw', { a: [1] }],
      [other.id, 'dmi', null],
    ] as const) {
      await world.store.catalogs.insert({ nodeId, source, data, origin: `${nodeId}/${source}/1` });
    }
    // A later millisecond than the first: the newest is told by time.
    await new Promise((resolve) => setTimeout(resolve, 5));
    await world.store.catalogs.insert({ nodeId: node.id, source: 'dmi', data: { old: false }, origin: '2' });

    const [status, list] = await get(`/nodes/${node.id}/catalogs`);
    expect(status).toBe(200);
    expect(list).toHaveLength(3);
    for (const item of list as { id: string; node: string }[]) {
      expect(item).toMatchObject({ node: `/api/2.0/nodes/${node.id}`, data: {} });
      expect(await get(`/catalogs/${item.id}`)).toEqual([200, item]);
    }
    expect(await get(`/nodes/${node.id}/catalogs?source=lshw`)).toEqual([
      200,
      [expect.objectContaining({ source: 'lshw' })],
    ]);
    expect(await get(`/nodes/${node.id}/catalogs/dmi`)).toEqual([
      200,
      expect.objectContaining({ node: node.id, source: 'dmi', data: { old: false } }),
    ]);
    expect((await get('/catalogs'))[1]).toHaveLength(4);
    expect((await get(`/catalogs?node=${other.id}`))[1]).toEqual([expect.objectContaining({ data: null })]);
    const sources = ((await get('/catalogs?sort=-source'))[1] as { source: string }[]).map(({ source }) => source);
    expect(sources).toEqual(['lshw', 'dmi', 'dmi', 'dmi']);
    expect((await get(`/nodes/${node.id}/catalogs/bmc`))[0]).toBe(404);
    expect((await get(`/catalogs/${unknownId}`))[0]).toBe(404);
    expect((await get('/catalogs?sort=data'))[0]).toBe(400);
  });

  test('a list longer than a page of the store comes whole', async () => {
    const node = await addNode(world.store);
    for (let index = 0; index < 120; index++) {
      await world.store.catalogs.insert({ nodeId: node.id, source: `s${index}`, data: { index }, origin: `o${index}` });
    }
    const [, list] = await get(`/nodes/${node.id}/catalogs`);
    expect(new Set((list as { source: string }[]).map(({ source }) => source)).size).toBe(120);
  });
});

describe('lookups', () => {
  const lookup = { macAddress: '52:54:00:AA:BB:01', ipAddress: '172.31.128.5', node: 'any string' };

  test('are posted, found by MAC, address and node, changed and deleted', async () => {
    const posted = await world.call('POST', '/api/2.0/lookups', lookup);
    expect([posted.status, posted.json]).toEqual([
      201,
      expect.objectContaining({ ...lookup, macAddress: '52:54:00:aa:bb:01', id: anyText }),
    ]);
    const { id } = posted.json as { id: string };
    for (const q of ['52:54:00:aa:bb:01', '52-54-00-AA-BB-01', '172.31.128.5', 'any%20string', '']) {
      expect(await get(`/lookups?q=${q}`)).toEqual([200, [posted.json]]);
    }
    expect(await get('/lookups?q=172.31.128.6')).toEqual([200, []]);
    expect(await get(`/lookups/${id}`)).toEqual([200, posted.json]);
    const patched = await world.call('PATCH', `/api/2.0/lookups/${id}`, { ipAddress: '172.31.128.6' });
    expect([patched.status, patched.json]).toEqual([
      200,
      expect.objectContaining({ ipAddress: '172.31.128.6', node: 'any string', macAddress: '52:54:00:aa:bb:01' }),
    ]);
    expect((await world.call('DELETE', `/api/2.0/lookups/${id}`, [])).status).toBe(204);
    for (const method of ['GET', 'PATCH', 'DELETE']) {
      const body = method === 'PATCH' ? {} : undefined;
      expect((await world.call(method, `/api/2.0/lookups/${id}`, body)).status).toBe(404);
    }
  });

  test('the same MAC again is refused', async () => {
    await world.call('POST', '/api/2.0/lookups', lookup);
    expect((await world.call('POST', '/api/2.0/lookups', { macAddress: '525400aabb01' })).status).toBe(400);
    const { json } = await world.call('POST', '/api/2.0/lookups', { macAddress: '52:54:00:aa:bb:02' });
    const path = `/api/2.0/lookups/${(json as { id: string }).id}`;
    expect((await world.call('PATCH', path, { macAddress: '52:54:00:aa:bb:01' })).status).toBe(400);
  });

  test.each([{}, { macAddress: 'x' }, { ...lookup, ipAddress: '1.2.3' }, { ...lookup, node: 5 }, { ...lookup, x: 1 }])(
    'POST %j is 400',
    async (body) => {
      expect((await world.call('POST', '/api/2.0/lookups', body)).status).toBe(400);
    },
  );
});

describe('obms', () => {
  const config = { host: '10.0.0.5', user: 'admin', password: 'planted' };

  test('PUT makes and replaces one for each service; no answer holds the password', async () => {
    const node = await addNode(world.store);
    const view = {
      id: anyText,
      node: `/api/2.0/nodes/${node.id}`,
      service: 'ipmi-obm-service',
      config: { host: '10.0.0.5', user: 'admin' },
    };
    const first = await world.call('PUT', `/api/2.0/nodes/${node.id}/obm`, { service: 'ipmi-obm-service', config });
    expect([first.status, first.json]).toEqual([201, view]);
    const body = { nodeId: node.id, service: 'ipmi-obm-service', config: { ...config, host: '10.0.0.6' } };
    const second = await world.call('PUT', '/api/2.0/obms', body);
    expect([second.status, second.json]).toEqual([201, { ...view, config: { host: '10.0.0.6', user: 'admin' } }]);
    await world.call('PUT', '/api/2.0/obms', { nodeId: node.id, service: 'noop-obm-service', config: {} });
    const [, list] = await get(`/nodes/${node.id}/obm`);
    expect(list).toHaveLength(2);
    expect(list).toContainEqual(second.json);
    expect((await get('/obms'))[1]).toHaveLength(2);
    expect((await get('/obms?service=noop-obm-service'))[1]).toHaveLength(1);
    expect((await get(`/obms?node=${unknownId}`))[1]).toEqual([]);
    expect(await get(`/obms/${(second.json as { id: string }).id}`)).toEqual([200, second.json]);
  });

  test('the password is sealed in the store, and PATCH without one keeps it', async () => {
    const node = await addNode(world.store);
    const put = await world.call('PUT', `/api/2.0/nodes/${node.id}/obm`, { service: 'ipmi-obm-service', config });
    const { id } = put.json as { id: string };
    const patched = await world.call('PATCH', `/api/2.0/obms/${id}`, { config: { host: '10.0.0.7' } });
    expect([patched.status, patched.json]).toEqual([
      200,
      expect.objectContaining({ config: { host: '10.0.0.7', user: 'admin' } }),
    ]);
    const stored = await world.store.obms.get(id);
    expect(stored?.config.password).toMatch(/^sealed:/);
    expect(world.deps.sealer.open(String(stored?.config.password))).toBe('planted');
  });

  test('what is no secret of the service is sealed and hidden, too, if it is called one', async () => {
    const node = await addNode(world.store);
    const body = { service: 'noop-obm-service', config: { user: 'u', password: 'planted' } };
    const put = await world.call('PUT', `/api/2.0/nodes/${node.id}/obm`, body);
    expect(put.json).toMatchObject({ config: { user: 'u' } });
    expect(JSON.stringify(await world.store.obms.find({}))).not.toContain('planted');
  });

  test('definitions are a list of links that answer', async () => {
    const [status, links] = await get('/obms/definitions');
    expect(status).toBe(200);
    expect(links).toContain('/api/2.0/obms/definitions/noop-obm-service.json');
    for (const link of links as string[]) expect((await world.call('GET', link)).status).toBe(200);
    expect(await get('/obms/definitions/ipmi-obm-service')).toEqual([
      200,
      expect.objectContaining({ title: 'ipmi-obm-service' }),
    ]);
    expect((await get('/obms/definitions/constructor'))[0]).toBe(404);
  });

  test.each([
    [{ ok: true }, 201],
    [{ ok: false, reason: 'no-obm', message: 'x' }, 404],
    [{ ok: false, reason: 'timeout', message: 'x' }, 400],
  ] as const)('the light: the answer %j of the BMC is %d', async (result, expected) => {
    const node = await addNode(world.store);
    world.bmc = result;
    expect((await world.call('POST', '/api/2.0/obms/led', { nodeId: node.id, value: true })).status).toBe(expected);
    expect((await world.call('POST', '/api/2.0/obms/led', { nodeId: unknownId })).status).toBe(404);
    expect((await world.call('POST', '/api/2.0/obms/led', { value: true })).status).toBe(400);
  });

  test('DELETE is 204, then 404', async () => {
    const node = await addNode(world.store);
    const put = await world.call('PUT', `/api/2.0/nodes/${node.id}/obm`, { service: 'noop-obm-service', config: {} });
    const path = `/api/2.0/obms/${(put.json as { id: string }).id}`;
    expect((await world.call('DELETE', path, [])).status).toBe(204);
    expect((await world.call('DELETE', path, [])).status).toBe(404);
    expect((await world.call('GET', path)).status).toBe(404);
    expect((await world.call('PATCH', path, {})).status).toBe(404);
  });

  test.each([
    [{ service: 'nope', config: {} }, 'nope'],
    [{ service: 'ipmi-obm-service', config: { user: 'u', password: 'p' } }, 'host'],
    [{ service: 'ipmi-obm-service', config: 'x' }, 'body.config'],
    [{ config: {} }, 'body.service'],
  ])('PUT %j is 400 and names %s', async (body, named) => {
    const node = await addNode(world.store);
    const { status, json } = await world.call('PUT', `/api/2.0/nodes/${node.id}/obm`, body);
    expect([status, (json as { message: string }).message]).toEqual([400, expect.stringContaining(named)]);
  });

  test('PUT /obms for an unknown node is 404', async () => {
    const body = { nodeId: unknownId, service: 'noop-obm-service', config: {} };
    expect((await world.call('PUT', '/api/2.0/obms', body)).status).toBe(404);
  });
});

describe('config', () => {
  test('PATCH shows what was set; the whole document back changes nothing', async () => {
    expect((await get('/config'))[1]).toMatchObject({ apiServerAddress: '172.31.128.1' });
    const patched = await world.call('PATCH', '/api/2.0/config', { logColorEnable: true, PWD: '/x' });
    expect([patched.status, patched.json]).toEqual([200, expect.objectContaining({ logColorEnable: true, PWD: '/x' })]);
    const [, whole] = await get('/config');
    for (const method of ['PATCH', 'PUT']) {
      expect((await world.call(method, '/api/2.0/config', whole)).json).toEqual(whole);
    }
    expect((await get('/config'))[1]).toEqual(whole);
  });

  test('secrets are hidden, also those that a client sets', async () => {
    const { text } = await world.call('PATCH', '/api/2.0/config', { nested: { sharedSecret: 'planted' } });
    expect(text).not.toContain('planted');
  });
});

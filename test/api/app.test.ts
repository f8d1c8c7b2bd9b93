import { ask } from '../support/http.ts';
import { addNode, startWorld, type ApiWorld } from './world.ts';
import { rackhdRoutes } from '../../src/api/rackhd/routes/index.ts';

let world: ApiWorld;
beforeAll(async () => {
  world = await startWorld({ hosts: ['rack.example.com'], origins: ['https://portal.example.com'] });
});
afterAll(async () => {
  await world.close();
});

interface Operation {
  readonly operationId: string;
  readonly responses: Record<string, { description: string }>;
  readonly parameters: { name: string; in: string; required: boolean; schema: object }[];
  readonly requestBody?: { content: Record<string, unknown> };
}
interface Document {
  readonly openapi: string;
  readonly info: { title: string; version: string };
  readonly paths: Record<string, Record<string, Operation>>;
}
const getDocument = async (): Promise<Document> => (await world.call('GET', '/openapi.json')).json as Document;

function operationsOf({ paths }: Document): { path: string; method: string; operation: Operation }[] {
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
  );
}

describe('/openapi.json', () => {
  test("lists every route of ours and of RackHD's, and itself", async () => {
    const document = await getDocument();
    const listed = operationsOf(document).map(({ method, path }) => `${method} ${path}`);
    const rackhd = rackhdRoutes(world.deps).map(
      ({ method, path }) => `${method} /api/2.0${path.replace(/:(\w+)/g, '{$1}')}`,
    );
    expect(listed).toEqual(expect.arrayContaining(rackhd));
    expect(listed).toEqual(
      expect.arrayContaining([
        'get /nodes',
        'get /nodes/{id}',
        'delete /nodes/{id}',
        'post /nodes/{id}/maintenance',
        'post /nodes/{id}/resume',
        'get /nodes/{id}/timeline',
        'get /nodes/{id}/diagnosis',
        'get /nodes/{id}/power',
        'post /nodes/{id}/power',
        'post /nodes/{id}/workflows',
        'get /operations/{id}',
        'get /leases',
        'get /events',
        'get /metrics',
        'get /healthz',
        'get /openapi.json',
      ]),
    );
  });

  test('every operation is well-formed: unique id, every path parameter, at least one answer', async () => {
    const document = await getDocument();
    expect(document).toMatchObject({ openapi: '3.1.0', info: { title: 'Rackwright', version: '0.0.0' } });
    const operations = operationsOf(document);
    const ids = operations.map(({ operation }) => operation.operationId);
    expect(new Set(ids).size).toBe(ids.length);
    for (const { path, method, operation } of operations) {
      expect(['get', 'post', 'put', 'patch', 'delete']).toContain(method);
      const named = operation.parameters.filter((one) => one.in === 'path').map(({ name }) => name);
      expect(named).toEqual([...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name));
      const statuses = Object.keys(operation.responses);
      expect(statuses.length).toBeGreaterThan(0);
      for (const status of statuses) {
        expect(status).toMatch(/^[2-5]\d\d$/);
        expect(operation.responses[status]?.description).toEqual(expect.any(String));
      }
    }
  });

  test('every reference leads somewhere', async () => {
    const document = await getDocument();
    const references = [...JSON.stringify(document).matchAll(/"\$ref":"#\/([^"]+)"/g)].map(([, path = '']) => path);
    for (const path of references) {
      const target = path
        .split('/')
        .reduce<unknown>((at, key) => (at as Record<string, unknown> | undefined)?.[key], document);
      expect([path, target]).toEqual([path, expect.any(Object)]);
    }
  });
});

test('no answer to any GET holds a stored secret', async () => {
  const planted = 'planted-secret';
  const { store, deps } = world;
  const node = await addNode(store, {
    bootSettings: { password: planted },
    identifiers: ['52:54:00:00:00:01'],
    name: 'secretive',
  });
  const config = { host: '10.0.0.1', user: 'u', password: planted };
  const obm = await world.call('PUT', `/api/2.0/nodes/${node.id}/obm`, { service: 'ipmi-obm-service', config });
  const sealed = deps.sealer.seal(planted);
  await store.bmcCredentials.insert({ nodeId: node.id, user: 'rackwright', sealedPassword: sealed, state: 'proven' });
  const started = await world.call('POST', `/api/2.0/nodes/${node.id}/workflows`, {
    name: 'Graph.noop-example',
    options: { 'noop-1': { rootPassword: planted, users: [{ password: planted }] } },
    context: { token: planted },
  });
  await world.call('PATCH', '/api/2.0/config', { authTokenSecret: planted });
  const at = new Date().toISOString();
  const fact = { kind: 'bmc.command', how: 'bmc', text: 'x', nodeId: node.id, at } as const;
  await world.facts.append([{ ...fact, data: { password: planted } }]);
  const catalog = await store.catalogs.insert({ nodeId: node.id, source: 'dmi', data: {}, origin: 'o' });
  const lookup = await store.lookups.insert({ macAddress: '52:54:00:00:00:01', node: node.id });
  const image = await store.images.insert({
    name: 'debian',
    sha256: 'ab'.repeat(32),
    sizeBytes: 512,
    format: 'raw',
    rawBytes: 512,
    bootModes: ['bios'],
    cloudInit: true,
  });
  const upload = await deps.images.begin({
    way: 'url',
    url: `http://me:${planted}@127.0.0.1:1/disk`,
    metadata: { name: 'fetched', cloudInit: true },
  });
  if (!catalog.ok || !lookup.ok || !image.ok || !upload.ok) throw new Error('the records could not be stored');
  const runId = (started.json as { id: string }).id;
  const ids: readonly (readonly [part: string, id: string])[] = [
    ['/nodes/{', node.id],
    ['/workflows/{identifier}', runId],
    ['/operations/{', runId],
    ['/obms/{', (obm.json as { id: string }).id],
    ['/catalogs/{', catalog.document.id],
    ['/lookups/{', lookup.document.id],
    ['/images/{', image.document.id],
    ['/image-uploads/{', upload.upload.record.id],
  ];
  const values: Record<string, string> = {
    injectableName: 'Graph.noop-example',
    source: 'dmi',
    name: 'noop-obm-service',
  };
  const forms = operationsOf(await getDocument()).filter(({ method, path }) => method === 'get' && path !== '/events');
  for (const { path: form } of forms) {
    const id = ids.find(([part]) => form.includes(part))?.[1];
    const path = form.replace(/\{(\w+)\}/g, (_, name: string) => values[name] ?? id ?? name);
    const { status, text } = await world.call('GET', path);
    // 200: a walk through 404s would prove nothing.
    expect([path, status, text.includes(planted), text.includes('sealed:v1')]).toEqual([path, 200, false, false]);
  }
});

describe('the guard', () => {
  test.each([
    [{ host: 'evil.example.com' }, 421],
    [{ host: 'rack.example.com' }, 200],
    [{ host: 'localhost:9090' }, 200],
    [{ origin: 'https://evil.example.com' }, 403],
    [{ origin: 'https://portal.example.com' }, 200],
  ])('%j is %d, on both APIs', async (headers, expected) => {
    for (const path of ['/nodes', '/api/2.0/nodes', '/api/current/nodes']) {
      expect((await ask(world.url + path, { headers })).status).toBe(expected);
    }
  });
});

test('what is nowhere is a problem in our form, and in that of RackHD below its base', async () => {
  const ours = await world.call('GET', '/nowhere');
  expect([ours.status, ours.headers['content-type']]).toEqual([404, 'application/problem+json']);
  const theirs = await world.call('GET', '/api/2.0/skus');
  expect([theirs.status, theirs.json]).toEqual([404, expect.objectContaining({ status: '404' })]);
});

test.each(['%', '%c0%af', '%E0%A4%A'])('the path /nodes/%s, which cannot be decoded, is 400', async (text) => {
  for (const base of ['/nodes/', '/api/2.0/nodes/']) {
    expect((await world.call('GET', base + text)).status).toBe(400);
  }
});

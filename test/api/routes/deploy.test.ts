import type { Image } from '../../../src/model/image.ts';
import type { NodeStateName } from '../../../src/model/node-states.ts';
import type { StartRequest } from '../../../src/workflows/engine-interface.ts';
import { createApi } from '../../../src/api/app.ts';
import { ask, startTestServer, type TestServer } from '../../support/http.ts';
import { addNode, startWorld, type ApiWorld } from '../world.ts';

const key = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDw0Xy7lJCGVGBjUxsgGNDe2ewVaMFOVTHcsQzLrYrtk a@b';
const images: Partial<Image>[] = [
  { id: 'i1', name: 'debian-12', cloudInit: true },
  { id: 'i2', name: 'plain', cloudInit: false },
];

let world: ApiWorld;
let server: TestServer;
let started: StartRequest[] = [];
beforeAll(async () => {
  world = await startWorld();
  const { deps } = world;
  const find = (word: string) => Promise.resolve(images.find(({ id, name }) => word === id || word === name) as Image);
  const engine = {
    ...deps.engine,
    start: (request: StartRequest) => {
      started.push(request);
      return deps.engine.start({ ...request, graph: 'Graph.noop-example' });
    },
  };
  const handler = createApi({ ...deps, engine, images: { ...deps.images, find } }, { version: '0.0.0' });
  server = await startTestServer(handler);
});
beforeEach(async () => {
  await world.reset();
  started = [];
});
afterAll(async () => {
  await server.close();
  await world.close();
});

const post = async (state: NodeStateName, verb: 'deploy' | 'release', body: object = {}) => {
  const since = '2026-01-01T00:00:00.000Z';
  // What enrolment calls a node.
  const node = await addNode(world.store, { name: '52:54:00:77:01:00', state: { name: state, since } });
  const answer = await ask(`${server.url}/nodes/${node.id}/${verb}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  return { node, ...answer, json: answer.json as { detail?: string; errors?: { field: string }[] } };
};

/** The request as the first task of the run will open it. */
const sealedRequest = (): unknown => {
  const { sealedRequest: sealed } = started[0]?.options?.prepare as { sealedRequest: string };
  return JSON.parse(world.deps.sealer.open(sealed));
};

test('a deploy is an operation; what was asked for stands sealed in it', async () => {
  const { status, headers, node } = await post('discovered', 'deploy', {
    image: 'debian-12',
    hostname: 'web1',
    user: 'anna',
    keys: [key],
    userData: '#cloud-config\npackages: [nginx]\n',
    disk: { serial: 'S1', size: '480 GB' },
  });
  expect(status).toBe(202);
  expect(headers.location).toMatch(/^\/operations\//);
  expect(started).toMatchObject([
    { graph: 'Graph.InstallImage', nodeId: node.id, options: { prepare: { image: 'i1' } } },
  ]);
  expect(JSON.stringify(started)).not.toContain('nginx');
  expect(sealedRequest()).toMatchObject({
    image: 'i1',
    hostname: 'web1',
    users: [{ name: 'anna', authorizedKeys: [key] }],
    disk: { serial: 'S1', minBytes: 470_400_000_000 },
    seed: 'disk',
  });
});

test('an image without cloud-init goes by the graph that waits for no call, and takes no keys', async () => {
  expect((await post('available', 'deploy', { image: 'plain', hostname: 'web1' })).status).toBe(202);
  expect(started[0]?.graph).toBe('Graph.InstallImage.Silent');
  const refused = await post('available', 'deploy', { image: 'plain', hostname: 'web1', keys: [key] });
  expect([refused.status, refused.json.detail]).toEqual([400, expect.stringContaining('no cloud-init')]);
});

test.each([
  [{ image: 'debian-12', hostname: 'web 1' }, 'body.hostname'],
  [{ image: 'debian-12', hostname: 'web1', keys: ['rubbish'] }, 'body.users.0.authorizedKeys.0'],
  [{ image: 'debian-12', hostname: 'web1', userData: '#cloud-config\na: [' }, 'body.userData'],
  [{ image: 'debian-12', hostname: 'web1', disk: { serail: 'x' } }, 'body.disk.serail'],
  [{ image: 'debian-12', hostname: 'web1', host: 'x' }, 'body.host'],
  [{ hostname: 'web1' }, 'body.image'],
])('%j is refused, and the field named', async (body, field) => {
  const { status, json } = await post('discovered', 'deploy', body);
  expect([status, json.errors?.map((error) => error.field)]).toEqual([400, [field]]);
  expect(started).toEqual([]);
});

test("a host name that is not given is made of the node's name", async () => {
  expect((await post('discovered', 'deploy', { image: 'debian-12' })).status).toBe(202);
  expect(sealedRequest()).toHaveProperty('hostname', '52-54-00-77-01-00');
});

test('an image that is none is a 404', async () => {
  const { status, json } = await post('discovered', 'deploy', { image: 'nothing', hostname: 'web1' });
  expect([status, json.detail]).toEqual([404, expect.stringContaining("'nothing'")]);
});

test.each<[NodeStateName, 'deploy' | 'release', number]>([
  ['new', 'deploy', 409],
  ['discovering', 'deploy', 409],
  ['failed-deploy', 'deploy', 202],
  ['deployed', 'deploy', 409],
  ['maintenance', 'deploy', 409],
  ['deployed', 'release', 202],
  ['failed-release', 'release', 202],
  ['maintenance', 'release', 409],
])('from %s, %s is %i', async (state, verb, expected) => {
  const { status, json } = await post(state, verb, verb === 'deploy' ? { image: 'debian-12', hostname: 'web1' } : {});
  expect(status).toBe(expected);
  if (expected === 409) expect(json.detail).toContain(`The node is ${state}`);
  else expect(started).toHaveLength(1);
});

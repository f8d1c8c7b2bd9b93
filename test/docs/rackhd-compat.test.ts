import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { rackhdRoutes } from '../../src/api/rackhd/routes/index.ts';
import type { ApiDeps } from '../../src/api/deps.ts';
import type { Run } from '../../src/model/run.ts';
import { modify } from '../../src/store/modify.ts';
import { startWorld, type ApiWorld } from '../api/world.ts';
import { expectGoldenSection, markdownTable } from '../support/golden.ts';

const home = resolve(import.meta.dirname, '../..');

interface Operation {
  readonly method: string;
  readonly path: string;
  readonly operationId: string;
  /** As RackHD's document declares it: `200`, or `200/204`. */
  readonly success: string;
}

const operations: Operation[] = readFileSync(join(home, 'test/fixtures/rackhd/operations.csv'), 'utf8')
  .trim()
  .split('\n')
  .slice(1)
  .map((line) => {
    const [method = '', path = '', operationId = '', , success = ''] = line.split(',');
    return { method, path, operationId, success };
  });

const signature = (method: string, path: string): string => `${method.toUpperCase()} ${path.replace(/\{\w+\}|:\w+/g, '{}')}`;
// The routes are listed, never called.
const routes = rackhdRoutes({} as ApiDeps).map(({ method, path }) => signature(method, path));
const served = operations.filter(({ method, path }) => routes.includes(signature(method, path)));

test('every route under /api/2.0 is an operation of RackHD', () => {
  const known = operations.map(({ method, path }) => signature(method, path));
  expect(routes.filter((route) => !known.includes(route))).toEqual([]);
  expect(operations).toHaveLength(131);
});

test('docs/rackhd-compat.md says which operations are served', () => {
  const groups = Map.groupBy(operations, ({ path }) => `/${path.split('/')[1] ?? ''}`);
  const rows = [...groups].map(([group, all]) => {
    const here = all.filter((operation) => served.includes(operation));
    const name = ({ method, path }: Operation): string => `\`${method} ${path}\``;
    const missing = all.filter((operation) => !here.includes(operation));
    const lacking = here.length === 0 ? 'all' : missing.map(name).join(', ');
    return [`\`${group}\``, `${here.length} of ${all.length}`, missing.length === 0 ? '' : lacking];
  });
  rows.push(['all', `${served.length} of ${operations.length}`, '']);
  expectGoldenSection(
    join(home, 'docs/rackhd-compat.md'),
    'operations',
    markdownTable(['below', 'served', 'not served'], rows),
  );
});

describe('every served operation answers with the success that RackHD declares', () => {
  let world: ApiWorld;
  let ids: Record<string, string>;

  beforeAll(async () => {
    world = await startWorld();
  });
  beforeEach(async () => {
    await world.reset();
    ids = await seed(world);
  });
  afterAll(() => world.close());

  test.each(served.map((operation) => [operation.operationId, operation] as const))(
    '%s',
    async (operationId, { method, path, success }) => {
      const { query = '', body, bodyOf, before } = requests[operationId] ?? {};
      await before?.(world, ids);
      const place = path.replace(/\{(\w+)\}/g, (_, name: string) => placeOf(path, name, ids));
      const answer = await world.call(method, `/api/2.0${place}${query}`, bodyOf?.(ids.node ?? '') ?? body);
      expect(success.split('/')).toContain(String(answer.status));
    },
  );
});

interface Request {
  readonly query?: string;
  readonly body?: unknown;
  /** The body, where it names the seeded node. */
  readonly bodyOf?: (nodeId: string) => unknown;
  readonly before?: (world: ApiWorld, ids: Record<string, string>) => Promise<unknown>;
}

const graph = { friendlyName: 'Mine', injectableName: 'Graph.Mine', tasks: [{ label: 'one', taskName: 'Task.noop' }] };
const task = { friendlyName: 'Mine', injectableName: 'Task.Mine', implementsTask: 'Task.Base.noop', options: {}, properties: {} };
const startOnNode = async (world: ApiWorld, ids: Record<string, string>): Promise<unknown> =>
  world.call('POST', `/api/2.0/nodes/${ids.node ?? ''}/workflows`, { name: 'Graph.noop-example' });

/** What an operation needs besides its path. */
const requests: Readonly<Record<string, Request>> = {
  configPut: { body: { dhcpGateway: '10.0.0.1' } },
  configPatch: { body: { dhcpGateway: '10.0.0.1' } },
  lookupsGet: { query: '?q=52:54:00:00:00:01' },
  lookupsPost: { body: { macAddress: '52:54:00:00:00:02', ipAddress: '10.0.0.2' } },
  lookupsPatchById: { body: { ipAddress: '10.0.0.3' } },
  nodesPost: { body: { name: 'another', type: 'compute' } },
  nodesPatchById: { body: { name: 'renamed' } },
  nodesPutObmsByNodeId: { body: { service: 'noop-obm-service', config: {} } },
  nodesPatchTagById: { body: { tags: ['blue'] } },
  nodesPostWorkflowById: { body: { name: 'Graph.noop-example' } },
  nodesWorkflowActionById: { body: { command: 'cancel' }, before: startOnNode },
  obmsPut: { bodyOf: (nodeId) => ({ nodeId, service: 'noop-obm-service', config: {} }) },
  obmsPostLed: { bodyOf: (nodeId) => ({ nodeId, value: true }) },
  obmsPatchById: { body: { config: {} } },
  workflowsPost: { body: { name: 'Graph.noop-example' } },
  workflowsAction: { body: { command: 'cancel' } },
  workflowsPutGraphs: { body: graph },
  workflowsPutTask: { body: task },
  workflowsDeleteGraphsByName: { before: (world) => world.call('PUT', '/api/2.0/workflows/graphs', graph) },
  workflowsDeleteTasksByName: { before: (world) => world.call('PUT', '/api/2.0/workflows/tasks', task) },
  workflowsDeleteByInstanceId: {
    before: (world, ids) => modify(world.store.runs, ids.runId ?? '', (run): Run => ({ ...run, state: 'succeeded', sweepKey: 'done' })),
  },
};

/** What stands in the place of a path's parameter: they have the same few names all over. */
function placeOf(path: string, name: string, ids: Readonly<Record<string, string>>): string {
  if (name === 'tagName') return 'red';
  if (name === 'source') return 'dmi';
  if (name === 'name') return 'noop-obm-service';
  if (name === 'injectableName') return path.includes('graphs') ? 'Graph.Mine' : 'Task.Mine';
  const noun = /^\/(\w+)s\//.exec(path)?.[1] ?? '';
  return ids[noun] ?? '';
}

/** One document of each kind. */
async function seed(world: ApiWorld): Promise<Record<string, string>> {
  const create = async (method: string, path: string, body: unknown): Promise<Record<string, string>> => {
    const answer = await world.call(method, `/api/2.0${path}`, body);
    expect(answer.status).toBe(201);
    return answer.json as Record<string, string>;
  };
  const identifiers = ['52:54:00:00:00:01'];
  const node = await create('POST', '/nodes', { name: 'node', type: 'compute', identifiers, tags: ['red'] });
  const nodeId = node.id ?? '';
  const obm = await create('PUT', `/nodes/${nodeId}/obm`, { service: 'noop-obm-service', config: {} });
  const lookup = await create('POST', '/lookups', { macAddress: '52:54:00:00:00:01', node: nodeId });
  const run = await create('POST', '/workflows', { name: 'Graph.noop-example' });
  const catalog = await world.store.catalogs.insert({ nodeId, source: 'dmi', data: {}, origin: 'test' });
  const stored = await world.store.runs.find({ where: { instanceId: run.instanceId ?? '' } });
  return {
    node: nodeId,
    obm: obm.id ?? '',
    lookup: lookup.id ?? '',
    workflow: run.instanceId ?? '',
    runId: stored.items[0]?.id ?? '',
    catalog: catalog.ok ? catalog.document.id : '',
  };
}

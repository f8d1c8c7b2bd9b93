import { enrol, findNode, type EnrolDeps } from '../../src/discovery/enrol.ts';
import type { NewFact } from '../../src/model/fact.ts';
import { openSqliteStore } from '../../src/store/sqlite/store.ts';
import type { OpenStore } from '../../src/store/collections.ts';

const mac = '52:54:00:77:01:00';
const uuid = '4c414230-0000-4000-8000-000000000001';
let open: OpenStore;
let facts: NewFact[];
let deps: EnrolDeps;

beforeEach(async () => {
  open = await openSqliteStore({ path: ':memory:' });
  facts = [];
  deps = { store: open.store, record: (fact) => facts.push(fact), now: () => new Date('2026-01-01T00:00:00Z') };
});
afterEach(() => open.close());

test('an unknown machine becomes a compute node in state new, with a lookup', async () => {
  const node = await enrol({ mac, address: '172.31.128.50', uuid }, deps);
  expect(node).toMatchObject({ type: 'compute', identifiers: [mac], state: { name: 'new' }, uuid, bootMac: mac });
  const { items } = await open.store.lookups.find({ where: { macAddress: mac } });
  expect(items).toMatchObject([{ ipAddress: '172.31.128.50', node: node.id }]);
  expect(facts).toMatchObject([{ kind: 'node.enrolled', mac, nodeId: node.id }]);
});

test('a known machine is found again and its address follows', async () => {
  const first = await enrol({ mac, address: '172.31.128.50' }, deps);
  const again = await enrol({ mac, address: '172.31.128.60', uuid }, deps);
  expect(again).toMatchObject({ id: first.id, uuid });
  const { items } = await open.store.lookups.find({ where: { node: first.id } });
  expect(items).toMatchObject([{ ipAddress: '172.31.128.60' }]);
  expect(facts).toHaveLength(1);
});

test('sixteen scripts fetched at once make one node', async () => {
  const nodes = await Promise.all(
    Array.from({ length: 16 }, () => enrol({ mac, address: '172.31.128.50', uuid }, deps)),
  );
  expect(new Set(nodes.map(({ id }) => id)).size).toBe(1);
  expect(await open.store.nodes.count()).toBe(1);
});

test('a crash between lookup and node is made good by the next script', async () => {
  await open.store.lookups.insert({ macAddress: mac, ipAddress: '172.31.128.50', node: '6560c0ffee00000000000001' });
  expect(await enrol({ mac, address: '172.31.128.50' }, deps)).toMatchObject({ id: '6560c0ffee00000000000001' });
});

test('a lookup that names no id does not name the node', async () => {
  await open.store.lookups.insert({ macAddress: mac, node: 'rack 7, unit 3' });
  const node = await enrol({ mac, address: '172.31.128.50' }, deps);
  expect(node.id).toMatch(/^[0-9a-f]{24}$/);
  expect(await enrol({ mac, address: '172.31.128.50' }, deps)).toMatchObject({ id: node.id });
});

test('a second NIC of a known machine is the same node, by its UUID', async () => {
  const first = await enrol({ mac, address: '172.31.128.50', uuid }, deps);
  const second = await enrol({ mac: '52:54:00:77:01:01', address: '172.31.128.51', uuid }, deps);
  expect(second).toMatchObject({ id: first.id, identifiers: [mac, '52:54:00:77:01:01'] });
});

test.each([
  '03000200-0400-0500-0006-000700080009',
  '00000000-0000-0000-0000-000000000000',
  'ffffffff-ffff-ffff-ffff-ffffffffffff',
])('two machines that share the placeholder UUID %s are two nodes', async (placeholder) => {
  const first = await enrol({ mac, address: '172.31.128.50', uuid: placeholder }, deps);
  const second = await enrol({ mac: '52:54:00:77:02:00', address: '172.31.128.51', uuid: placeholder }, deps);
  expect(second.id).not.toBe(first.id);
});

test('a node that an operator posted by its MAC is that node', async () => {
  const posted = await open.store.nodes.insert({
    name: 'r1u1',
    type: 'compute',
    identifiers: [mac],
    state: { name: 'new', since: '2026-01-01T00:00:00.000Z' },
    summary: {},
    tags: [],
    relations: [],
    autoDiscover: false,
  });
  if (!posted.ok) throw new Error('not inserted');
  expect(await enrol({ mac, address: '172.31.128.50' }, deps)).toMatchObject({ id: posted.document.id, name: 'r1u1' });
  expect(await findNode(open.store, mac)).toMatchObject({ id: posted.document.id });
});

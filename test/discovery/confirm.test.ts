import { confirmNode, mostMacs } from '../../src/discovery/confirm.ts';
import { enrol, findNode } from '../../src/discovery/enrol.ts';
import { openSqliteStore } from '../../src/store/sqlite/store.ts';
import type { OpenStore } from '../../src/store/collections.ts';

const mac = '52:54:00:77:01:00';
const second = '52:54:00:77:01:01';
const uuid = '4c414230-0000-4000-8000-000000000001';
let open: OpenStore;
let nodeId: string;

const enrolled = async (ofMac: string, ofUuid?: string): Promise<string> => {
  const sighting = { mac: ofMac, address: '172.31.128.50', ...(ofUuid === undefined ? {} : { uuid: ofUuid }) };
  const deps = { store: open.store, record: () => undefined, now: () => new Date('2026-01-01T00:00:00Z') };
  return (await enrol(sighting, deps)).id;
};

beforeEach(async () => {
  open = await openSqliteStore({ path: ':memory:' });
  nodeId = await enrolled(mac);
});
afterEach(() => open.close());

test("an agent's other MACs and its UUID become the node's", async () => {
  await confirmNode(open.store, nodeId, { macs: [mac, second, second], uuid });
  expect(await open.store.nodes.get(nodeId)).toMatchObject({ identifiers: [mac, second], uuid });
  expect(await findNode(open.store, second)).toMatchObject({ id: nodeId });
});

test('a MAC whose lookup names no node is claimed', async () => {
  await open.store.lookups.insert({ macAddress: second, ipAddress: '172.31.128.60' });
  await confirmNode(open.store, nodeId, { macs: [second] });
  expect(await findNode(open.store, second)).toMatchObject({ id: nodeId });
});

test("another node's MAC and UUID stay that node's", async () => {
  const other = await enrolled('52:54:00:77:02:00', uuid);
  await confirmNode(open.store, nodeId, { macs: [mac, '52:54:00:77:02:00'], uuid });
  const node = await open.store.nodes.get(nodeId);
  expect(node?.identifiers).toEqual([mac]);
  expect(node?.uuid).toBeUndefined();
  expect(await findNode(open.store, '52:54:00:00:00:99', uuid)).toMatchObject({ id: other });
});

test('a node does not grow with every session', async () => {
  for (let round = 0; round < 3; round += 1) {
    const macs = Array.from({ length: 200 }, (_, i) => `02:00:00:00:0${round}:${i.toString(16).padStart(2, '0')}`);
    await confirmNode(open.store, nodeId, { macs });
  }
  expect((await open.store.nodes.get(nodeId))?.identifiers).toHaveLength(mostMacs);
});

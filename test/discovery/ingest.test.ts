import { mostMacs } from '../../src/discovery/confirm.ts';
import { enrol } from '../../src/discovery/enrol.ts';
import { createIngest, storedBytes, type SourceReport } from '../../src/discovery/ingest.ts';
import type { NewFact } from '../../src/model/fact.ts';
import { openSqliteStore } from '../../src/store/sqlite/store.ts';
import type { OpenStore } from '../../src/store/collections.ts';

let open: OpenStore;
let facts: NewFact[];
let report: SourceReport;

beforeEach(async () => {
  open = await openSqliteStore({ path: ':memory:' });
  facts = [];
  const sighting = { mac: '52:54:00:77:01:00', address: '172.31.128.50' };
  const node = await enrol(sighting, { store: open.store, record: () => undefined, now: () => new Date(0) });
  report = { nodeId: node.id, runId: 'r', attempt: 'r/l/1', source: 'own', format: 'json', output: '{"a":1}' };
});
afterEach(() => open.close());

const ingest = (change: Partial<SourceReport>) =>
  createIngest({ store: open.store, record: (fact) => facts.push(fact) })({ ...report, ...change });

test('the same report again changes nothing', async () => {
  expect([await ingest({}), await ingest({})]).toEqual([{ ok: true }, { ok: true }]);
  expect(await open.store.catalogs.count({ nodeId: report.nodeId })).toBe(1);
});

test.each([
  ['a text that no store takes', 'raw', 'x'.repeat(15 * 1024 * 1024)],
  ['numbers that are small as JSON and large as BSON', 'json', `[${'1,'.repeat(2_000_000)}1]`],
])('%s is a failed catalog, not a fault that makes the agent deliver it for ever', async (_, format, output) => {
  expect(await ingest({ format, output })).toEqual({ ok: false, reason: 'it is too large to be stored' });
  expect(facts).toMatchObject([{ kind: 'catalog.failed' }]);
  expect(await open.store.catalogs.count({})).toBe(0);
});

test('sizes are those of BSON, or a little more', () => {
  // { a: 'xyz' }: 4 + 1 + 2 + (4 + 3 + 1) + 1 bytes.
  expect(storedBytes({ a: 'xyz' })).toBe(16);
  expect(storedBytes({ a: [1, null, true], b: { c: 'é' } })).toBeGreaterThanOrEqual(54);
});

test('a machine that tells of thousands of MACs gets as many as a machine can have', async () => {
  const mac = (i: number): string =>
    `02:00:00:00:${String(Math.trunc(i / 100)).padStart(2, '0')}:${String(i % 100).padStart(2, '0')}`;
  const children = Array.from({ length: 2000 }, (_, i) => ({ class: 'network', id: `n${i}`, serial: mac(i) }));
  const output = JSON.stringify({ class: 'system', id: 's', children });
  expect(await ingest({ source: 'lshw', output })).toEqual({ ok: true });
  expect((await open.store.nodes.get(report.nodeId))?.summary.macs).toHaveLength(mostMacs);
  expect(await open.store.lookups.count({})).toBeLessThanOrEqual(mostMacs + 1);
});

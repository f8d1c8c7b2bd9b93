import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createNodeItemTexts, nodeItems } from '../../../src/api/routes/node-view.ts';
import { modify } from '../../../src/store/modify.ts';
import { openSqliteStore } from '../../../src/store/sqlite/store.ts';
import type { OpenStore } from '../../../src/store/collections.ts';
import { addNode } from '../world.ts';

let directory: string;
let open: OpenStore;
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'rw-node-view-'));
  open = await openSqliteStore({ path: join(directory, 'store.db') });
});
afterAll(async () => {
  await open.close();
  rmSync(directory, { recursive: true });
});

test('texts of a list are its items, also after the node, or what its MACs have as addresses, changed', async () => {
  const { store } = open;
  const texts = createNodeItemTexts(store);
  const listed = async () => {
    const { items } = await store.nodes.find({});
    const made = await texts(items);
    expect(made.map((text) => JSON.parse(text) as unknown)).toEqual(await nodeItems(store, items));
    return made;
  };
  expect(await listed()).toEqual([]);
  const node = await addNode(store, { id: '5f0000000000000000000001', name: 'first' });
  await addNode(store, { id: '5f0000000000000000000002', name: 'second' });
  const before = await listed();
  expect(await listed()).toEqual(before);

  await modify(store.nodes, node.id, (current) => ({ ...current, name: 'renamed' }));
  const renamed = await listed();
  expect(renamed[0]).toContain('renamed');
  expect(renamed[1]).toBe(before[1]);

  const lookup = { macAddress: '52:54:00:00:00:01', node: node.id };
  const inserted = await store.lookups.insert({ ...lookup, ipAddress: '172.31.128.5' });
  expect((await listed())[0]).toContain('172.31.128.5');
  if (!inserted.ok) throw new Error('not inserted');
  await store.lookups.update({ ...inserted.document, ipAddress: '172.31.128.6' });
  expect((await listed())[0]).toContain('172.31.128.6');
  await store.lookups.delete(inserted.document.id);
  expect((await listed())[0]).toBe(renamed[0]);
});

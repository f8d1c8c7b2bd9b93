import { openSqliteStore } from '../../src/store/sqlite/store.ts';

test('a store in memory keeps a document', async () => {
  const { store, close } = await openSqliteStore({ path: ':memory:' });
  const inserted = await store.definitions.insert({ kind: 'graph', name: 'Graph.A', body: { tasks: [] } });
  expect(inserted).toMatchObject({ ok: true, document: { version: 1, name: 'Graph.A' } });
  expect((await store.definitions.find({ where: { name: 'Graph.A' } })).items).toHaveLength(1);
  await close();
  await expect(store.definitions.count()).rejects.toMatchObject({ code: 'store-closed' });
});

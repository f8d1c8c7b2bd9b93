import type { OpenStore } from '../../src/store/collections.ts';
import { modify } from '../../src/store/modify.ts';
import type { Collection } from '../../src/store/repository.ts';
import { openSqliteStore } from '../../src/store/sqlite/store.ts';
import type { Lookup } from '../../src/model/records.ts';

let open: OpenStore;
let lookups: Collection<Lookup>;
let lookup: Lookup;
beforeEach(async () => {
  open = await openSqliteStore({ path: ':memory:' });
  lookups = open.store.lookups;
  const result = await lookups.insert({ macAddress: '52:54:00:00:00:01' });
  if (!result.ok) throw new Error(result.reason);
  lookup = result.document;
});
afterEach(async () => {
  await open.close();
});

test('answers the document with its new version', async () => {
  const result = await modify(lookups, lookup.id, (current) => ({ ...current, node: 'n' }));
  expect(result).toMatchObject({ ok: true, document: { node: 'n', version: 2 } });
});

test('starts again from what the other wrote', async () => {
  const seen: (string | undefined)[] = [];
  const racing: Collection<Lookup> = {
    ...lookups,
    get: async (id) => {
      const current = await lookups.get(id);
      // The other writer comes between our first read and our first write.
      if (seen.length === 0) await lookups.update({ ...current!, node: 'theirs' });
      return current;
    },
  };
  const result = await modify(racing, lookup.id, (current) => {
    seen.push(current.node);
    return { ...current, node: 'ours' };
  });
  expect(seen).toStrictEqual([undefined, 'theirs']);
  expect(result).toMatchObject({ ok: true, document: { node: 'ours', version: 3 } });
});

test('writes nothing where there is nothing to change, or nobody', async () => {
  const unchanged = { ok: false, reason: 'unchanged', document: lookup };
  expect(await modify(lookups, lookup.id, () => undefined)).toStrictEqual(unchanged);
  expect(await modify(lookups, 'nobody', (current) => current)).toStrictEqual({ ok: false, reason: 'missing' });
});

test('says when a unique value is taken', async () => {
  const taken = '52:54:00:00:00:02' as Lookup['macAddress'];
  await lookups.insert({ macAddress: taken });
  const result = await modify(lookups, lookup.id, (current) => ({ ...current, macAddress: taken }));
  expect(result).toStrictEqual({ ok: false, reason: 'duplicate' });
});

test('gives up when every attempt is overtaken', async () => {
  const losing: Collection<Lookup> = { ...lookups, update: () => Promise.resolve({ ok: false, reason: 'conflict' }) };
  await expect(modify(losing, lookup.id, (current) => current)).rejects.toMatchObject({
    code: 'store-contention',
    retryable: true,
  });
});

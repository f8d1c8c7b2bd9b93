/* eslint-disable jest/no-export -- one suite for two adapters: each has a test file that calls it */
import type { Migrations } from '../../src/store/migrations/lift.ts';
import type { CollectionSpec } from '../../src/store/repository.ts';
import { thingSpecs, type OpenThings } from '../support/things.ts';

/** Opens one and the same database, as a program that knows these forms. */
export type OpenAs = (specs: Readonly<Record<string, CollectionSpec>>, migrations: Migrations) => Promise<OpenThings>;

/** Form 3 of things: form 2 called the rank `rank` instead of `group`; form 3 made it a number. */
const newSpecs = { things: { schemaVersion: 3, unique: ['key'], indexes: ['rank', 'labels', 'free'] } };
const migrations: Migrations = {
  things: [
    { from: 1, to: 2, lift: ({ group, ...rest }) => ({ ...rest, rank: group }) },
    { from: 2, to: 3, lift: (thing) => ({ ...thing, rank: Number(thing.rank) }) },
  ],
};

/** What both adapters do with a database of an older or newer program. `fresh` makes it an empty one. */
export function describeUpgrade(name: string, fresh: () => OpenAs): void {
  describe(`the upgrade of ${name}`, () => {
    test('lifts documents of an older form at opening, and finds them by their new fields', async () => {
      const openAs = fresh();
      const old = await openAs(thingSpecs, {});
      const keys = Array.from({ length: 450 }, (_, index) => `k${index}`);
      await Promise.all(
        keys.map((key, index) => old.things.insert({ key, group: `${index}`, free: ['x', index % 2] })),
      );
      const [before] = (await old.things.find({ where: { key: 'k7' } })).items;
      await old.close();

      const { things, close } = await openAs(newSpecs, migrations);
      expect(
        (await things.find({ where: { rank: { lt: 3 } }, sort: { field: 'rank', order: 'asc' } })).items,
      ).toMatchObject([
        { key: 'k0', rank: 0, schemaVersion: 3 },
        { key: 'k1', rank: 1, schemaVersion: 3 },
        { key: 'k2', rank: 2, schemaVersion: 3 },
      ]);
      expect(await things.count({ group: null })).toBe(450);
      expect(await things.count({ free: 1 })).toBe(225);
      const [after] = (await things.find({ where: { key: 'k7' } })).items;
      expect(after).toStrictEqual({
        ...{ id: before!.id, key: 'k7', rank: 7, free: ['x', 1] },
        ...{ version: 2, schemaVersion: 3, createdAt: before!.createdAt, updatedAt: before!.updatedAt },
      });
      await close();

      const again = await openAs(newSpecs, migrations);
      expect((await again.things.get(before!.id))?.version).toBe(2);
      await again.close();
    });

    test('refuses what a newer program wrote', async () => {
      const openAs = fresh();
      await (await openAs(newSpecs, migrations)).close();
      await expect(openAs(thingSpecs, {})).rejects.toMatchObject({
        code: 'store-newer',
        message: expect.stringContaining('newer Rackwright') as string,
      });
    });

    test('refuses a form that nothing lifts, and leaves the documents as they are', async () => {
      const openAs = fresh();
      const old = await openAs(thingSpecs, {});
      const inserted = await old.things.insert({ key: 'a', group: '1' });
      await old.close();
      await expect(openAs(newSpecs, {})).rejects.toMatchObject({ code: 'store-migration' });
      const again = await openAs(thingSpecs, {});
      expect((await again.things.find({})).items).toStrictEqual(inserted.ok && [inserted.document]);
      await again.close();
    });
  });
}

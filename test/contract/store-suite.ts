/* eslint-disable jest/no-export -- one suite for two adapters: each has a test file that calls it */
import fc from 'fast-check';
import type { InsertResult } from '../../src/store/repository.ts';
import { newId } from '../../src/model/id.ts';
import { modify } from '../../src/store/modify.ts';
import type { OpenThings, Thing } from '../support/things.ts';
import { operation, perform } from './store-model.ts';

/** Where the suite gets its stores. */
export interface StoreSource {
  /** Makes an empty database and opens it. */
  readonly create: () => Promise<OpenThings>;
  /** Opens the database that was made last a second time; only where several processes may share it. */
  readonly join?: () => Promise<OpenThings>;
}

function inserted<T>(result: InsertResult<T>): T {
  if (!result.ok) throw new Error(`not inserted: ${result.reason}`);
  return result.document;
}

function times<T>(count: number, make: (index: number) => T): T[] {
  return Array.from({ length: count }, (_, index) => make(index));
}

/** What both adapters promise (src/store/repository.ts). */
export function describeStore(name: string, source: StoreSource): void {
  describe(`the store on ${name}`, () => {
    let open: OpenThings;
    beforeAll(async () => {
      open = await source.create();
    });
    beforeEach(async () => {
      await open.things.deleteWhere({});
    });
    afterAll(async () => {
      await open.close();
    });
    const keys = async (query: Parameters<OpenThings['things']['find']>[0]): Promise<string[]> =>
      (await open.things.find(query)).items.map((thing) => thing.key);

    describe('documents', () => {
      test('come back as they went in, stamped', async () => {
        const free = {
          list: [1, 'two', null, { three: [true] }],
          text: 'ünïcödé \u{1F5A5} \0 "\\',
          big: 2 ** 53 - 1,
          less: -0.5,
        };
        const document = inserted(await open.things.insert({ key: 'a', free }));
        expect(document).toMatchObject({ version: 1, schemaVersion: 1, free });
        expect(document.id).toMatch(/^[0-9a-f]{24}$/);
        expect(document.createdAt).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
        expect(await open.things.get(document.id)).toStrictEqual(document);
      });

      test('drop what is undefined, and keep null', async () => {
        const draft = { key: 'a', free: { gone: undefined, none: null } };
        const { id } = inserted(await open.things.insert(draft));
        expect((await open.things.get(id))?.free).toStrictEqual({ none: null });
      });

      test('of one megabyte are kept', async () => {
        const free = 'ä'.repeat(512 * 1024);
        const { id } = inserted(await open.things.insert({ key: 'a', free }));
        expect((await open.things.get(id))?.free).toBe(free);
      });

      test('of more than 16 MiB are refused', async () => {
        const free = times(17, () => 'x'.repeat(1024 * 1024));
        await expect(open.things.insert({ key: 'a', free })).rejects.toMatchObject({
          code: 'input',
          field: 'document',
        });
      });

      test.each([
        ['a key with a dot', { 'a.b': 1 }, 'free.a.b'],
        ['a key with a leading dollar', { x: [{ $set: 1 }] }, 'free.x[0].$set'],
        ['a number that is none', { x: Number.NaN }, 'free.x'],
        ['a date', { x: new Date(0) }, 'free.x'],
        ['bytes', { x: Uint8Array.of(1) }, 'free.x'],
        ['a function', { x: () => 1 }, 'free.x'],
      ])('with %s are refused, and the path is named', async (_, free, field) => {
        await expect(open.things.insert({ key: 'a', free })).rejects.toMatchObject({ code: 'input', field });
        expect(await open.things.count()).toBe(0);
      });

      test('keep a key __proto__ as a key', async () => {
        const free: unknown = JSON.parse('{"__proto__":{"polluted":true}}');
        const { id } = inserted(await open.things.insert({ key: 'a', free }));
        expect(JSON.stringify((await open.things.get(id))?.free)).toBe('{"__proto__":{"polluted":true}}');
      });

      test('without a value in a unique field are refused', async () => {
        const draft = { group: 'x' } as unknown as { key: string };
        await expect(open.things.insert(draft)).rejects.toMatchObject({ field: 'things.key' });
      });
    });

    describe('writes', () => {
      test('an update raises the version, and a stale one changes nothing', async () => {
        const first = inserted(await open.things.insert({ key: 'a', rank: 1 }));
        const second = await open.things.update({ ...first, rank: 2 });
        expect(second).toMatchObject({ ok: true, document: { version: 2, rank: 2, createdAt: first.createdAt } });
        expect(await open.things.update({ ...first, rank: 3 })).toStrictEqual({ ok: false, reason: 'conflict' });
        expect(await open.things.get(first.id)).toMatchObject({ version: 2, rank: 2 });
      });

      test('an update of a document that is gone is a conflict', async () => {
        const document = inserted(await open.things.insert({ key: 'a' }));
        expect(await open.things.delete(document.id)).toBe(true);
        expect(await open.things.update(document)).toStrictEqual({ ok: false, reason: 'conflict' });
        expect(await open.things.get(document.id)).toBeUndefined();
      });

      test('an id or a unique value that is taken is a duplicate', async () => {
        const id = newId();
        inserted(await open.things.insert({ id, key: 'a' }));
        const other = inserted(await open.things.insert({ key: 'b' }));
        const duplicate = { ok: false, reason: 'duplicate' };
        expect(await open.things.insert({ id, key: 'c' })).toStrictEqual(duplicate);
        expect(await open.things.insert({ key: 'a' })).toStrictEqual(duplicate);
        expect(await open.things.update({ ...other, key: 'a' })).toStrictEqual(duplicate);
        expect(await open.things.get(other.id)).toStrictEqual(other);
      });

      test('a delete with a version is refused when that is not current', async () => {
        const document = inserted(await open.things.insert({ key: 'a' }));
        expect(await open.things.delete(document.id, 2)).toBe(false);
        expect(await open.things.delete(document.id, 1)).toBe(true);
        expect(await open.things.delete(document.id)).toBe(false);
      });

      test('deleteWhere deletes what matches and says how many', async () => {
        await Promise.all(
          times(20, (index) => open.things.insert({ key: `k${index}`, rank: index, labels: [index % 2] })),
        );
        expect(await open.things.deleteWhere({ rank: { lt: 5 } })).toBe(5);
        expect(await open.things.deleteWhere({ labels: 0, rank: { gte: 10 } })).toBe(5);
        expect(await open.things.count()).toBe(10);
      });

      test('of many at once settle each with its own outcome', async () => {
        const results = await Promise.all(times(60, (index) => open.things.insert({ key: `k${index % 40}` })));
        expect(results.filter((result) => result.ok)).toHaveLength(40);
        expect(await open.things.count()).toBe(40);
      });
    });

    describe('concurrency', () => {
      test('16 clients with 200 compare-and-sets each: as many succeed as the version grew', async () => {
        const { id } = inserted(await open.things.insert({ key: 'a', rank: 0 }));
        const second = await source.join?.();
        let successes = 0;
        const client = async ({ things }: OpenThings): Promise<void> => {
          for (let round = 0; round < 200; round += 1) {
            const current = (await things.get(id))!;
            const result = await things.update({ ...current, rank: Number(current.rank) + 1 });
            if (result.ok) successes += 1;
          }
        };
        await Promise.all(times(16, (index) => client(second && index % 2 === 1 ? second : open)));
        await second?.close();
        expect(successes).toBeGreaterThanOrEqual(200);
        expect(await open.things.get(id)).toMatchObject({ version: successes + 1, rank: successes });
      });

      test('50 inserts of one key: one wins', async () => {
        const results = await Promise.all(times(50, (rank) => open.things.insert({ key: 'same', rank })));
        const winners = results.filter((result) => result.ok);
        expect(winners).toHaveLength(1);
        expect((await open.things.find({})).items).toStrictEqual(winners.map((winner) => winner.document));
      });

      test('modify loses no change', async () => {
        const { id } = inserted(await open.things.insert({ key: 'a', rank: 0 }));
        const add = (thing: Thing): Thing => ({ ...thing, rank: Number(thing.rank) + 1 });
        await Promise.all(times(20, () => modify(open.things, id, add)));
        expect(await open.things.get(id)).toMatchObject({ rank: 20 });
      });
    });

    describe('filters', () => {
      beforeEach(async () => {
        const drafts = [
          { key: 'text', rank: '1', labels: ['red', 'green'], free: { list: ['x', { name: 'deep' }] } },
          { key: 'number', rank: 1, labels: ['green', 1], free: { list: [{ name: 'other', sizes: [1, 2] }] } },
          { key: 'true', rank: true, labels: [], free: 'x' },
          { key: 'none', rank: null, labels: [null] },
          { key: 'missing', place: { shelf: 3 } },
        ];
        for (const draft of drafts) inserted(await open.things.insert(draft));
      });
      test.each([
        ['text is not a number', { rank: '1' }, ['text']],
        ['a number is neither text nor true', { rank: 1 }, ['number']],
        ['true is not 1', { rank: true }, ['true']],
        ['false is not 0 or missing', { rank: false }, []],
        ['null finds null and missing', { rank: null }, ['missing', 'none']],
        ['in finds each', { rank: { in: ['1', true, 'nothing'] } }, ['text', 'true']],
        ['in finds missing by null', { rank: { in: [null, 1] } }, ['missing', 'none', 'number']],
        ['in nothing finds nothing', { rank: { in: [] } }, []],
        ['a list is found by an element', { labels: 'green' }, ['number', 'text']],
        ['a list is found by in', { labels: { in: ['red', 1] } }, ['number', 'text']],
        ['a list with null is found by null, an empty one not', { labels: null }, ['missing', 'none']],
        ['a list is not found by its JSON', { labels: '["red","green"]' }, []],
        ['a list that is not declared is found by an element', { 'free.list': 'x' }, ['text']],
        ['a path goes through lists', { 'free.list.name': 'deep' }, ['text']],
        ['a path goes through lists to lists', { 'free.list.sizes': 2 }, ['number']],
        ['a field that is not declared', { free: 'x' }, ['true']],
        ['a path with a declared field', { 'place.shelf': 3 }, ['missing']],
        ['all conditions hold', { labels: 'green', rank: 1 }, ['number']],
        ['a range of text holds text alone', { rank: { gte: '' } }, ['text']],
        ['a range of numbers holds numbers alone', { rank: { gt: 0 } }, ['number']],
        ['a range over a list holds if an element is in it', { labels: { gt: 'green' } }, ['text']],
      ])('%s', async (_, where, expected) => {
        expect((await keys({ where })).toSorted()).toStrictEqual(expected);
        expect(await open.things.count(where)).toBe(expected.length);
      });

      test('by id, and by a range of times of creation', async () => {
        const [thing] = (await open.things.find({ where: { key: 'text' } })).items;
        expect(await keys({ where: { id: thing!.id } })).toStrictEqual(['text']);
        expect(await keys({ where: { createdAt: { lt: thing!.createdAt } } })).toStrictEqual([]);
      });

      test.each([
        ['a range over a field that is not declared', { where: { free: { gt: 1 } } }, 'free'],
        ['an empty range', { where: { rank: {} } }, 'rank'],
        ['an undefined value', { where: { rank: undefined as unknown as null } }, 'rank'],
        ['an operator for a path', { where: { $where: '1' } }, '$where'],
        ['a sort by a field that is not declared', { sort: { field: 'free', order: 'asc' } }, 'sort.free'],
        ['a limit of none', { limit: 0 }, 'limit'],
        ['a skip that is negative', { skip: -1 }, 'skip'],
        ['a cursor of nobody', { after: 'AAAA' }, 'after'],
      ] as const)('%s is refused', async (_, query, field) => {
        await expect(open.things.find(query)).rejects.toMatchObject({ code: 'input', field });
      });
    });

    describe('pages', () => {
      test('go through everything once, in order, though many have the same value', async () => {
        const drafts = times(95, (index) => ({ key: `k${index}`, rank: index % 3 === 0 ? null : index % 5 }));
        const documents = (await Promise.all(drafts.map((draft) => open.things.insert(draft)))).map(inserted);
        for (const order of ['asc', 'desc'] as const) {
          const seen: Thing[] = [];
          let after: string | undefined;
          do {
            const page = await open.things.find({ sort: { field: 'rank', order }, limit: 10, ...(after && { after }) });
            seen.push(...page.items);
            after = page.next;
          } while (after !== undefined);
          const value = (thing: Thing): string => `${thing.rank === null ? '-' : String(thing.rank)} ${thing.id}`;
          const expected = documents.map(value).toSorted();
          expect(seen.map(value)).toStrictEqual(order === 'asc' ? expected : expected.toReversed());
        }
      });

      test('are not disturbed by what is inserted and deleted between them', async () => {
        for (let rank = 0; rank < 20; rank += 2) inserted(await open.things.insert({ key: `k${rank}`, rank }));
        const sort = { field: 'rank', order: 'asc' } as const;
        const first = await open.things.find({ sort, limit: 5 });
        await open.things.delete(first.items.at(-1)!.id);
        inserted(await open.things.insert({ key: 'early', rank: 1 }));
        inserted(await open.things.insert({ key: 'late', rank: 11 }));
        const second = await open.things.find({ sort, limit: 50, after: first.next! });
        expect(second.items.map((thing) => thing.rank)).toStrictEqual([10, 11, 12, 14, 16, 18]);
        expect(second.next).toBeUndefined();
      });

      test('a cursor belongs to its sort', async () => {
        for (const key of ['a', 'b']) inserted(await open.things.insert({ key }));
        const { next } = await open.things.find({ limit: 1, sort: { field: 'rank', order: 'asc' } });
        await expect(open.things.find({ after: next! })).rejects.toMatchObject({ field: 'after' });
      });
    });

    test('300 random operations do what they do in memory', async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(operation, { minLength: 300, maxLength: 300 }), async (steps) => {
          await open.things.deleteWhere({});
          const model = new Map<string, Thing>();
          for (const step of steps) {
            const outcome = await perform(step, open.things, model);
            expect({ step, outcome: outcome.store }).toStrictEqual({ step, outcome: outcome.model });
          }
        }),
        { numRuns: 5, endOnFailure: true },
      );
    });

    test('closes after what is under way, and refuses what comes later', async () => {
      const { things, ping, close } = await source.create();
      await ping();
      const writes = times(20, (index) => things.insert({ key: `k${index}` }));
      const closing = close();
      expect((await Promise.all(writes)).every((result) => result.ok)).toBe(true);
      await closing;
      await expect(things.get('x')).rejects.toMatchObject({ code: 'store-closed' });
      await expect(ping()).rejects.toMatchObject({ code: 'store-closed' });
    });
  });
}

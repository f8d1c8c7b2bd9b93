import { DatabaseSync } from 'node:sqlite';
import type { PlainQuery } from '../../src/store/backend.ts';
import { declaredFields } from '../../src/store/query.ts';
import { createSchema } from '../../src/store/sqlite/schema.ts';
import { selectSql } from '../../src/store/sqlite/sql.ts';
import { thingSpecs } from '../support/things.ts';

/** Declared fields are found and sorted by index: SQLite says so itself. */
let db: DatabaseSync;
beforeAll(() => {
  db = new DatabaseSync(':memory:');
  db.function('matches', () => 1);
  createSchema(db, thingSpecs);
});
afterAll(() => {
  db.close();
});

const byId = { field: 'id', order: 'asc' } as const;

function plan(query: Partial<PlainQuery>, lists: readonly string[] = []): string {
  const view = {
    table: 'things',
    declared: declaredFields(thingSpecs.things),
    hasLists: (field: string) => lists.includes(field),
  };
  const select = selectSql(view, { where: {}, sort: byId, limit: 100, skip: 0, ...query });
  const rows = db.prepare(`EXPLAIN QUERY PLAN ${select.text}`).all(...select.values);
  return rows.map((row) => String(row.detail)).join('\n');
}

test.each<[string, Partial<PlainQuery>, string]>([
  ['equality', { where: { group: 'x' } }, 'USING INDEX things:group (group=?)'],
  ['null', { where: { rank: null } }, 'USING INDEX things:rank (rank=?)'],
  ['a choice', { where: { 'place.shelf': { in: [1, 2] } } }, 'USING INDEX things:place.shelf (place.shelf=?)'],
  ['a range', { where: { rank: { gte: 1, lt: 9 } } }, 'USING INDEX things:rank (rank>? AND rank<?)'],
  ['a range without an end', { where: { rank: { gt: 'a' } } }, 'USING INDEX things:rank (rank>? AND rank<?)'],
  ['a unique field', { where: { key: 'a' } }, 'USING INDEX things:key:unique (key=?)'],
  ['the id', { where: { id: 'a' } }, 'USING INDEX sqlite_autoindex_things_1 (id=?)'],
])('%s is found by index', (_, query, expected) => {
  expect(plan(query)).toContain(expected);
});

test('an element of a list is found by index', () => {
  const found = plan({ where: { labels: 'red' } }, ['labels']);
  expect(found).toContain('things:elements:key (field=? AND key=?)');
  expect(found).not.toMatch(/^SCAN/m);
});

test.each(['asc', 'desc'] as const)('a sorted list is read in the order of the index: %s', (order) => {
  const sort = { field: 'createdAt', order };
  expect(plan({ sort })).not.toContain('TEMP B-TREE');
  expect(plan({ sort: { field: 'id', order } })).not.toContain('TEMP B-TREE');
});

test('a later page begins in the middle of the index', () => {
  const sort = { field: 'createdAt', order: 'asc' } as const;
  const next = plan({ sort, after: { value: '2026', id: 'a' } });
  expect(next).toContain('USING INDEX things:createdAt (createdAt>?)');
  expect(next).not.toContain('TEMP B-TREE');
});

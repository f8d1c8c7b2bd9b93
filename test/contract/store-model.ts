import fc from 'fast-check';
import type { Draft } from '../../src/model/document.ts';
import type { Collection, Filter, Query, Range, Scalar } from '../../src/store/repository.ts';
import type { Thing } from '../support/things.ts';

/** Random operations on things, and a store of things in plain memory to compare with. */

type Operation =
  | { readonly kind: 'insert'; readonly fields: Omit<Draft<Thing>, 'id'> }
  | {
      readonly kind: 'update';
      readonly pick: number;
      readonly stale: boolean;
      readonly fields: Omit<Draft<Thing>, 'id'>;
    }
  | { readonly kind: 'delete'; readonly pick: number; readonly version?: number }
  | { readonly kind: 'deleteWhere'; readonly where: Filter }
  | { readonly kind: 'get'; readonly pick: number }
  | { readonly kind: 'count'; readonly where: Filter }
  | { readonly kind: 'pages'; readonly query: Query & { readonly limit: number } };

const text = fc.constantFrom('', 'a', 'aa', 'b', 'B', 'ä', '\u{1F5A5}', '[]', '1', 'null', '%', '"', '\\');
const number = fc.constantFrom(-1, 0, 1, 2, 1.5, 1e21, 2 ** 40);
const scalar: fc.Arbitrary<Scalar> = fc.oneof(text, number, fc.boolean(), fc.constant(null));
const present = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(value, { nil: undefined });

const fields = fc.record(
  {
    key: fc.constantFrom(...'abcdefghijklmnopqrstuvwxyz'.split('')),
    group: fc.constantFrom('x', 'y', 'z'),
    rank: scalar,
    labels: fc.array(scalar, { maxLength: 3 }),
    place: fc.record({ shelf: scalar }, { requiredKeys: [] }),
    free: fc.oneof(scalar, fc.array(scalar, { maxLength: 2 }), fc.record({ a: scalar })),
  },
  { requiredKeys: ['key'] },
) as fc.Arbitrary<Omit<Draft<Thing>, 'id'>>;

const range = fc
  .oneof(fc.tuple(present(text), present(text)), fc.tuple(present(number), present(number)))
  .chain(([low, high]) =>
    fc.constantFrom<Range>(
      { ...(low !== undefined && { gt: low }), ...(high !== undefined && { lte: high }) },
      { ...(low !== undefined && { gte: low }), ...(high !== undefined && { lt: high }) },
    ),
  )
  .filter((found) => Object.keys(found).length > 0);
const equality = fc.oneof(scalar, fc.record({ in: fc.array(scalar, { maxLength: 4 }) }));
const where = fc.record(
  {
    key: fc.oneof(fc.constantFrom('a', 'b', 'c'), fc.record({ in: fc.array(text) })),
    group: fc.constantFrom('x', 'y'),
    rank: fc.oneof(equality, range),
    labels: fc.oneof(equality, range),
    'place.shelf': fc.oneof(equality, range),
    free: equality,
    'free.a': equality,
    'place.none': fc.constant(null),
  },
  { requiredKeys: [] },
) as fc.Arbitrary<Filter>;
/** Mostly one condition: more than two rarely leave anything. */
const narrow = where.map((all) => Object.fromEntries(Object.entries(all).slice(0, 2)));

const pick = fc.nat(1000);
const query = fc.record({
  where: fc.oneof(fc.constant({}), narrow),
  sort: fc.record({
    field: fc.constantFrom('id', 'key', 'group', 'rank', 'place.shelf'),
    order: fc.constantFrom('asc', 'desc'),
  }),
  limit: fc.integer({ min: 1, max: 7 }),
  skip: fc.nat(2),
});

/** One operation; inserts are the most frequent, so that there is something to find. */
export const operation = fc.oneof(
  { weight: 8, arbitrary: fc.record({ kind: fc.constant('insert'), fields }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('update'), pick, stale: fc.boolean(), fields }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('delete'), pick, version: fc.constantFrom(1, 2, undefined) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('deleteWhere'),
      where: narrow.filter((all) => Object.keys(all).length > 1),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('get'), pick }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('count'), where: narrow }) },
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('pages'), query }) },
) as fc.Arbitrary<Operation>;

/** Carries one operation out on both and answers what each said. */
export async function perform(
  step: Operation,
  things: Collection<Thing>,
  model: Map<string, Thing>,
): Promise<{ readonly store: unknown; readonly model: unknown }> {
  const all = [...model.values()];
  const picked = (index: number): Thing | undefined => all[index % Math.max(1, all.length)];
  switch (step.kind) {
    case 'insert': {
      const result = await things.insert(step.fields);
      const expected = !all.some((other) => other.key === step.fields.key);
      if (result.ok) model.set(result.document.id, result.document);
      return { store: result.ok, model: expected };
    }
    case 'update': {
      const old = picked(step.pick);
      if (!old) return { store: true, model: true };
      const { id, schemaVersion, createdAt, updatedAt } = old;
      const version = step.stale ? old.version + 1 : old.version;
      const result = await things.update({ ...step.fields, id, schemaVersion, createdAt, updatedAt, version });
      const taken = all.some((other) => other.id !== id && other.key === step.fields.key);
      if (result.ok) model.set(id, result.document);
      return { store: result.ok ? 'ok' : result.reason, model: step.stale ? 'conflict' : taken ? 'duplicate' : 'ok' };
    }
    case 'delete': {
      const old = picked(step.pick);
      if (!old) return { store: true, model: true };
      const expected = step.version === undefined || step.version === old.version;
      if (expected) model.delete(old.id);
      return { store: await things.delete(old.id, step.version), model: expected };
    }
    case 'deleteWhere': {
      const gone = all.filter((thing) => accepts(thing, step.where));
      for (const { id } of gone) model.delete(id);
      return { store: await things.deleteWhere(step.where), model: gone.length };
    }
    case 'get': {
      const old = picked(step.pick);
      return { store: await things.get(old?.id ?? 'none'), model: old };
    }
    case 'count':
      return { store: await things.count(step.where), model: all.filter((thing) => accepts(thing, step.where)).length };
    case 'pages':
      return { store: await readPages(things, step.query), model: expectedItems(all, step.query) };
  }
}

/** All pages of a query, one after the other; what is skipped is skipped on the first. */
async function readPages(things: Collection<Thing>, { skip, ...query }: Query): Promise<readonly Thing[]> {
  let page = await things.find({ ...query, ...(skip !== undefined && { skip }) });
  const items = [...page.items];
  while (page.next !== undefined) {
    page = await things.find({ ...query, after: page.next });
    items.push(...page.items);
  }
  return items;
}

function expectedItems(all: readonly Thing[], { where: filter = {}, sort, skip }: Query): readonly Thing[] {
  const { field, order } = sort ?? { field: 'id', order: 'asc' };
  const sign = order === 'asc' ? 1 : -1;
  const value = (thing: Thing): unknown => at(thing, field.split('.'))[0];
  return all
    .filter((thing) => accepts(thing, filter))
    .toSorted((a, b) => sign * (compare(value(a), value(b)) || (a.id < b.id ? -1 : 1)))
    .slice(skip ?? 0);
}

const typeOrder = ['undefined', 'number', 'string', 'boolean'];

function compare(a: unknown, b: unknown): number {
  const [left, right] = [a ?? undefined, b ?? undefined];
  if (typeof left !== typeof right) return typeOrder.indexOf(typeof left) - typeOrder.indexOf(typeof right);
  if (typeof left === 'string') return Buffer.compare(Buffer.from(left), Buffer.from(right as string));
  return Number(left ?? 0) - Number(right ?? 0);
}

/** The values at a path, as far as things have lists: only at the end of a path. */
function at(value: unknown, [first, ...rest]: readonly string[]): readonly unknown[] {
  if (first === undefined) return Array.isArray(value) ? value : [value];
  if (Array.isArray(value)) return [];
  const inner = typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[first] : undefined;
  return at(inner, rest);
}

function accepts(thing: Thing, filter: Filter): boolean {
  return Object.entries(filter).every(([path, condition]) => {
    const values = at(thing, path.split('.')).map((value) => value ?? null);
    if (typeof condition !== 'object' || condition === null) return values.includes(condition);
    if ('in' in condition) return values.some((value) => condition.in.includes(value as Scalar));
    return Object.entries(condition).every(([operator, limit]: [string, string | number]) =>
      values.some((value) => typeof value === typeof limit && inside(compare(value, limit), operator)),
    );
  });
}

function inside(order: number, operator: string): boolean {
  return { gt: order > 0, gte: order >= 0, lt: order < 0, lte: order <= 0 }[operator] ?? false;
}

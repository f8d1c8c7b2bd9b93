import type { Document as Bson, Filter as MongoFilter } from 'mongodb';
import type { PlainQuery } from '../backend.ts';
import { bounds, isChoice, isRange, type Condition } from '../match.ts';
import type { Filter, Scalar } from '../repository.ts';

/** A document as MongoDB keeps it: its id is `_id`. */
export interface Stored {
  readonly _id: string;
  readonly [field: string]: unknown;
}

/** The name of a field where it is stored. */
export function storedField(field: string): string {
  return field === 'id' ? '_id' : field;
}

/** A query's filter, and its place in the order where it goes on from a page, in MongoDB's words. */
export function queryFilter(query: PlainQuery): MongoFilter<Stored> {
  const where = filterOf(query.where);
  return query.after ? { $and: [where, after(query.sort, query.after)] } : where;
}

/** A filter in MongoDB's words. Values are always behind an operator, so that none can be taken for one. */
export function filterOf(where: Filter): MongoFilter<Stored> {
  return Object.fromEntries(
    Object.entries(where).map(([path, condition]) => [storedField(path), operators(condition)]),
  );
}

function operators(condition: Condition): Bson {
  if (isRange(condition))
    return Object.fromEntries(bounds(condition).map(({ operator, limit }) => [`$${operator}`, limit]));
  return isChoice(condition) ? { $in: [...condition.in] } : { $eq: condition };
}

/** The kinds of value in the order in which MongoDB sorts them, each with the filter that finds all of it. */
const kinds = [
  { kind: 'null', all: { $eq: null } },
  { kind: 'number', all: { $gte: -Number.MAX_VALUE } },
  { kind: 'string', all: { $gte: '' } },
  { kind: 'boolean', all: { $in: [false, true] } },
] as const;

/** Everything behind a document in the order of the sort. A comparison finds only values of its own kind. */
function after(
  { field, order }: PlainQuery['sort'],
  { value, id }: { value: Scalar; id: string },
): MongoFilter<Stored> {
  const name = storedField(field);
  const beyond = order === 'asc' ? '$gt' : '$lt';
  if (name === '_id') return { _id: { [beyond]: id } };
  const kind = value === null ? 'null' : typeof value;
  const ordered = order === 'asc' ? kinds : kinds.toReversed();
  const later = ordered.slice(ordered.findIndex((candidate) => candidate.kind === kind) + 1);
  return {
    $or: [
      { [name]: { $eq: value }, _id: { [beyond]: id } },
      ...(value === null ? [] : [{ [name]: { [beyond]: value } }]),
      ...later.map(({ all }) => ({ [name]: all })),
    ],
  };
}

import { InputError } from '../errors.ts';
import type { PlainQuery } from './backend.ts';
import { bounds, isChoice, isRange, type Condition } from './match.ts';
import { find } from './path.ts';
import type { CollectionSpec, Filter, Query, Scalar } from './repository.ts';

const maxLimit = 10_000;
const defaultLimit = 1_000;
const maxChoices = 10_000;

/** Fields with an index in every collection, besides those that it declares. */
const alwaysDeclared = ['createdAt'];

/** The fields that an adapter makes indexes for, `id` apart. */
export function declaredFields(spec: CollectionSpec): string[] {
  return [...new Set([...spec.unique, ...spec.indexes, ...alwaysDeclared])];
}

/** Checks a query and fills in its defaults. Throws InputError, which names the part that is wrong. */
export function plainQuery(spec: CollectionSpec, query: Query): PlainQuery {
  const sort = query.sort ?? { field: 'id', order: 'asc' };
  if (!isOrdered(spec, sort.field)) throw new InputError(`sort.${sort.field}`, 'must be a declared index field');
  const limit = query.limit ?? defaultLimit;
  if (!Number.isInteger(limit) || limit < 1 || limit > maxLimit) {
    throw new InputError('limit', `must be a whole number from 1 to ${maxLimit}`);
  }
  const skip = query.skip ?? 0;
  if (!Number.isSafeInteger(skip) || skip < 0) throw new InputError('skip', 'must be a whole number from 0');
  const plain = { where: checkFilter(spec, query.where ?? {}), sort, limit, skip };
  return query.after === undefined ? plain : { ...plain, after: readCursor(query.after, sort) };
}

/** Checks a filter. Throws InputError, which names the path of the condition that is wrong. */
export function checkFilter(spec: CollectionSpec, where: Filter): Filter {
  for (const [path, condition] of Object.entries(where) as [string, Condition | undefined][]) {
    if (path.split('.').some((segment) => segment === '' || segment.startsWith('$')) || path.includes('\0')) {
      throw new InputError(path, 'must be a dotted path');
    }
    // An undefined value would silently widen the filter to everything.
    if (condition === undefined) throw new InputError(path, 'must have a value');
    checkCondition(spec, path, condition);
  }
  return where;
}

function checkCondition(spec: CollectionSpec, path: string, condition: Condition): void {
  if (isRange(condition)) {
    if (!isOrdered(spec, path)) throw new InputError(path, 'a range needs a declared index field');
    const given = bounds(condition);
    if (given.length === 0) throw new InputError(path, 'must be a scalar, { in } or a range');
    for (const { limit } of given) checkScalar(path, limit);
  } else if (isChoice(condition)) {
    if (condition.in.length > maxChoices) throw new InputError(path, `at most ${maxChoices} values to choose from`);
    for (const value of condition.in) checkScalar(path, value);
  } else {
    checkScalar(path, condition);
  }
}

function checkScalar(path: string, value: unknown): void {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return;
  if (typeof value !== 'number' || !Number.isFinite(value))
    throw new InputError(path, 'must be compared with a scalar');
}

function isOrdered(spec: CollectionSpec, field: string): boolean {
  return field === 'id' || declaredFields(spec).includes(field);
}

/** The cursor that goes on after this document. Throws InputError where the sort field holds no scalar. */
export function writeCursor(document: { readonly id: string }, sort: PlainQuery['sort']): string {
  const found = find(document, sort.field);
  const value = found.kind === 'one' ? (found.value ?? null) : found.values;
  if (typeof value === 'object' && value !== null) {
    throw new InputError(`sort.${sort.field}`, `holds no single value in document ${document.id}`);
  }
  return Buffer.from(JSON.stringify([sort.field, sort.order, value, document.id])).toString('base64url');
}

function readCursor(cursor: string, sort: PlainQuery['sort']): { value: Scalar; id: string } {
  let parts: unknown;
  try {
    parts = JSON.parse(Buffer.from(cursor, 'base64url').toString());
  } catch (cause) {
    throw new InputError('after', 'must be the `next` of a page', { cause });
  }
  if (!Array.isArray(parts) || parts.length !== 4 || typeof parts[3] !== 'string') {
    throw new InputError('after', 'must be the `next` of a page');
  }
  const [field, order, value, id] = parts as [unknown, unknown, Scalar, string];
  if (field !== sort.field || order !== sort.order) throw new InputError('after', 'belongs to another sort');
  checkScalar('after', value);
  return { value, id };
}

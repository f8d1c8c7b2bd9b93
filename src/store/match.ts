import { find } from './path.ts';
import type { Filter, Range, Scalar } from './repository.ts';

export type Condition = Filter[string];

/** Whether the condition is a list of values to choose from. */
export function isChoice(condition: Condition): condition is { readonly in: readonly Scalar[] } {
  return typeof condition === 'object' && condition !== null && 'in' in condition;
}

/** Whether the condition is a range. */
export function isRange(condition: Condition): condition is Range {
  return typeof condition === 'object' && condition !== null && !('in' in condition);
}

/** Whether a document meets every condition of the filter. The meaning of `Filter`, in one place. */
export function matches(document: unknown, where: Filter): boolean {
  return Object.entries(where).every(([path, condition]) => {
    const found = find(document, path);
    const values = found.kind === 'one' ? [found.value] : found.values;
    if (!isRange(condition)) return values.some((value) => meets(value, condition));
    // As in MongoDB, each bound may be met by another element of a list.
    return bounds(condition).every((bound) => values.some((value) => within(value, bound)));
  });
}

function meets(value: unknown, condition: Scalar | { readonly in: readonly Scalar[] }): boolean {
  const wanted = isChoice(condition) ? condition.in : [condition];
  return wanted.includes((value ?? null) as Scalar);
}

/** One side of a range. */
export interface Bound {
  readonly operator: keyof Range;
  readonly limit: string | number;
}

/** The sides of a range that are given. */
export function bounds(range: Range): Bound[] {
  return (['gt', 'gte', 'lt', 'lte'] as const).flatMap((operator) => {
    const limit = range[operator];
    return limit === undefined ? [] : [{ operator, limit }];
  });
}

/** Text is compared with text (by code point) and numbers with numbers; nothing else is in any range. */
function within(value: unknown, { operator, limit }: Bound): boolean {
  if (typeof value !== typeof limit) return false;
  const order = compare(value as string | number, limit);
  if (operator === 'gt') return order > 0;
  if (operator === 'gte') return order >= 0;
  return operator === 'lt' ? order < 0 : order <= 0;
}

function compare(a: string | number, b: string | number): number {
  if (typeof a === 'string') return Buffer.compare(Buffer.from(a), Buffer.from(b as string));
  return a - (b as number);
}

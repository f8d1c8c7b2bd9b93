/**
 * What a dotted path finds in a document: MongoDB's rules, which both adapters keep. A path walks through lists (`a.b`
 * finds `b` in every element of the list `a`), and a list at its end counts by its elements.
 */

/** `one`: the path met no list, and `value` is there (undefined: missing). `many`: everything the path found. */
export type Found =
  { readonly kind: 'one'; readonly value: unknown } | { readonly kind: 'many'; readonly values: readonly unknown[] };

/** Finds what stands at a dotted path. A segment of digits is an index where it meets a list. */
export function find(document: unknown, path: string): Found {
  const values: unknown[] = [];
  const metList = collect(document, path.split('.'), values);
  return metList ? { kind: 'many', values } : { kind: 'one', value: values[0] };
}

/** Adds what the path finds to `into`; answers whether it met a list. */
function collect(value: unknown, segments: readonly string[], into: unknown[]): boolean {
  const [segment, ...rest] = segments;
  if (Array.isArray(value)) {
    collectFromList(value, segments, into);
    return true;
  }
  if (segment === undefined) {
    into.push(value);
    return false;
  }
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, segment)) {
    into.push(undefined);
    return false;
  }
  return collect((value as Record<string, unknown>)[segment], rest, into);
}

function collectFromList(list: readonly unknown[], segments: readonly string[], into: unknown[]): void {
  const [segment, ...rest] = segments;
  if (segment === undefined) {
    into.push(...list);
    return;
  }
  if (/^\d+$/.test(segment) && Number(segment) < list.length) collect(list[Number(segment)], rest, into);
  for (const element of list) {
    if (typeof element === 'object' && element !== null && !Array.isArray(element)) collect(element, segments, into);
  }
}

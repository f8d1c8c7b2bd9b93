import { find } from '../path.ts';

/** A value of a declared field as SQLite keeps it: `null` for missing and null; bytes for what is neither text nor number. */
export type Key = string | number | null | Uint8Array;

/** Bytes sort behind text in SQLite, in this order; MongoDB's order of types is the same. */
const markers = { object: 0, list: 1, false: 2, true: 3 } as const;

/** The index keys of one document. */
export interface IndexKeys {
  /** One for each declared field, in the order of the fields. */
  readonly fields: readonly Key[];
  /** What the document's lists hold: by these, a filter finds the document by an element. */
  readonly elements: readonly { readonly field: string; readonly key: Key }[];
}

/** The key of a single value. */
export function keyOf(value: unknown): Key {
  if (value === undefined || value === null) return null;
  if (typeof value === 'string' || typeof value === 'number') return value;
  if (typeof value === 'boolean') return marker(value ? 'true' : 'false');
  return marker(Array.isArray(value) ? 'list' : 'object');
}

/** The keys by which the declared fields of a document are found. */
export function keysOf(document: unknown, declared: readonly string[]): IndexKeys {
  const found = declared.map((field) => ({ field, ...find(document, field) }));
  return {
    fields: found.map((value) => (value.kind === 'one' ? keyOf(value.value) : marker('list'))),
    elements: found.flatMap((value) =>
      value.kind === 'one' ? [] : value.values.map((element) => ({ field: value.field, key: keyOf(element) })),
    ),
  };
}

function marker(kind: keyof typeof markers): Uint8Array {
  return Uint8Array.of(markers[kind]);
}

import { InputError } from '../errors.ts';

/** MongoDB refuses deeper documents; so do we, on both adapters. */
const maxDepth = 100;

/**
 * A copy of the document as it will be read back: what both adapters can keep, and nothing else. Absent values
 * (`undefined`) fall away; half surrogates become U+FFFD, since neither UTF-8 nor BSON can hold them.
 * Throws InputError, which names the path, for what cannot be kept: keys with `.`, NUL or a leading `$`, numbers that
 * are not finite, dates, bytes and other things that are not JSON, and nesting deeper than 100.
 */
export function normalise<T extends object>(document: T): T {
  if ('_id' in document) throw new InputError('_id', 'is a name of the store; documents have `id`');
  return copy(document, '', 0) as T;
}

function copy(value: unknown, path: string, depth: number): unknown {
  switch (typeof value) {
    case 'string':
      return value.toWellFormed();
    case 'boolean':
      return value;
    case 'number':
      if (!Number.isFinite(value)) throw new InputError(path, 'must be a finite number');
      return value === 0 ? 0 : value;
    case 'object':
      return value === null ? null : copyObject(value, path, depth);
    default:
      throw new InputError(path, `must be JSON, not a ${typeof value}`);
  }
}

function copyObject(value: object, path: string, depth: number): unknown {
  if (depth >= maxDepth) throw new InputError(path, `is nested deeper than ${maxDepth}`);
  if (Array.isArray(value)) {
    return value.map((element: unknown, index) => copy(element ?? null, `${path}[${index}]`, depth + 1));
  }
  if (!isPlain(value)) throw new InputError(path, `must be JSON, not a ${value.constructor.name}`);
  // fromEntries defines properties, so that a key `__proto__` stays a key.
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, inner]: [string, unknown]) => {
      if (inner === undefined) return [];
      const at = path === '' ? key : `${path}.${key}`;
      if (!isKey(key)) throw new InputError(at, 'a key must not hold "." or NUL, nor begin with "$"');
      return [[key.toWellFormed(), copy(inner, at, depth + 1)]];
    }),
  );
}

function isKey(key: string): boolean {
  return !key.startsWith('$') && !key.includes('.') && !key.includes('\0');
}

/** Objects of another realm (a test's) have another Object.prototype, itself without a prototype. */
function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

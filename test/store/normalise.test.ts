import fc from 'fast-check';
import { normalise } from '../../src/store/normalise.ts';

/** JSON with keys that a store can keep. */
const json = fc.letrec<{ value: unknown; object: Record<string, unknown> }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom(null, true, 0, -1.5, 1e300),
    fc.string(),
    fc.array(tie('value'), { maxLength: 4 }),
    tie('object'),
  ),
  object: fc.dictionary(
    fc.string().filter((key) => !/^\$|^_id$|[.\0]/.test(key)),
    tie('value'),
    { maxKeys: 4, noNullPrototype: false },
  ),
}));

test('JSON comes out as it went in, by a copy', () => {
  fc.assert(
    fc.property(json.object, (document) => {
      const copy = normalise(document);
      expect(JSON.stringify(copy)).toBe(JSON.stringify(document));
      expect(copy).not.toBe(document);
    }),
  );
});

test('half surrogates become the replacement character', () => {
  expect(normalise({ text: 'a\ud800b', '\udc00': 1 })).toStrictEqual({ text: 'a\ufffdb', '\ufffd': 1 });
});

test('minus zero becomes zero, as JSON has it', () => {
  expect(Object.is(normalise({ n: -0 }).n, 0)).toBe(true);
});

test('undefined in a list is null, elsewhere nothing', () => {
  expect(normalise({ list: [undefined, 1], gone: undefined })).toStrictEqual({ list: [null, 1] });
});

test.each([
  ['a deep nesting', JSON.parse('['.repeat(5000) + ']'.repeat(5000)), /nested deeper than 100/],
  ['a circle', circle(), /nested deeper than 100/],
  ['a bigint', 1n, /x: must be JSON, not a bigint/],
  ['a map', new Map(), /x: must be JSON, not a Map/],
  ['an infinite number', [1, Infinity], /x\[1\]: must be a finite number/],
  ['a key with NUL', { 'a\0': 1 }, /must not hold/],
])('%s is refused', (_, x: unknown, message) => {
  expect(() => normalise({ x })).toThrow(message);
});

function circle(): unknown {
  const list: unknown[] = [];
  list.push(list);
  return list;
}

test('the name of the id where it is stored is reserved', () => {
  expect(() => normalise({ _id: 1 })).toThrow(/_id/);
});

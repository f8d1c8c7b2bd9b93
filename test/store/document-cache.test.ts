import { createDocumentCache } from '../../src/store/sqlite/document-cache.ts';

const text = (id: string, length = 0): string => JSON.stringify({ id, filler: 'x'.repeat(length), inner: [{ a: 1 }] });

test('the same text is the same document; another text another, of the same id too', () => {
  const parse = createDocumentCache(10_000);
  const first = parse(text('a'));
  expect(first).toEqual({ id: 'a', filler: '', inner: [{ a: 1 }] });
  expect(parse(text('a'))).toBe(first);
  expect(parse(text('a', 1))).not.toBe(first);
});

test('what is handed out again cannot be changed, at any depth', () => {
  const document = createDocumentCache(10_000)(text('a')) as unknown as { id: string; inner: { a: number }[] };
  expect(() => (document.id = 'b')).toThrow(TypeError);
  expect(() => (document.inner[0]!.a = 2)).toThrow(TypeError);
  expect(() => document.inner.push({ a: 2 })).toThrow(TypeError);
});

test('what is asked for stays while others come and go; what is not is let go', () => {
  const parse = createDocumentCache(10_000);
  const [used, unused] = [parse(text('used')), parse(text('unused'))];
  for (let index = 0; index < 1_000; index += 1) {
    parse(text(`other-${index}`));
    expect(parse(text('used'))).toBe(used);
  }
  expect(parse(text('unused'))).not.toBe(unused);
  expect(parse(text('unused'))).toEqual(unused);
});

test('a text that would push out most others is not kept', () => {
  const parse = createDocumentCache(10_000);
  const long = text('long', 1_000);
  expect(parse(long)).toEqual(parse(long));
  expect(parse(long)).not.toBe(parse(long));
});

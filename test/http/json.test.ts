import fc from 'fast-check';
import { parseJson } from '../../src/http/json.ts';

test.each([
  ['{"a": x}', 'a value', 1, 7],
  ['{"a" 1}', "':'", 1, 6],
  ['{"a": 1,}', 'a property name in double quotes', 1, 9],
  ["{'a': 1}", "a property name in double quotes or '}'", 1, 2],
  ['{"a": 1 "b": 2}', "',' or '}'", 1, 9],
  ['[1 2]', "',' or ']'", 1, 4],
  ['[1, 2', "',' or ']'", 1, 6],
  ['[1, ]', 'a value', 1, 5],
  ['[', "a value or ']'", 1, 2],
  ['{"a":\n  01}', 'a value', 2, 3],
  ['{"a": "un\nclosed"}', 'a value', 1, 7],
  ['{"a": "\\x"}', 'a value', 1, 7],
  ['{"a": tru}', 'a value', 1, 7],
  ['{"a": 1}]', 'the end of the document', 1, 9],
  ['{"a": [1}', "',' or ']'", 1, 9],
  ['', 'a value', 1, 1],
  ['\n\n  nope', 'a value', 3, 3],
])('%j: expected %s at line %d, column %d', (text, expected, line, column) => {
  expect(parseJson(text)).toEqual({ ok: false, expected, line, column });
});

test('nesting is refused before any reader can run out of stack', () => {
  expect(parseJson(`${'['.repeat(129)}${']'.repeat(129)}`)).toEqual({
    ok: false,
    expected: 'at most 128 levels of nesting',
    line: 1,
    column: 129,
  });
  expect(parseJson(`["${'['.repeat(500)}\\""]`)).toMatchObject({ ok: true });
});

test('a fault in a megabyte of text is found', () => {
  const text = `{"a": "${'x'.repeat(1 << 20)}" oops}`;
  expect(parseJson(text)).toMatchObject({ ok: false, column: (1 << 20) + 10 });
});

test('any JSON is read as JSON.parse reads it', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const text = JSON.stringify(value);
      expect(parseJson(text)).toEqual({ ok: true, value: JSON.parse(text) as unknown });
    }),
  );
});

test('what JSON.parse refuses is refused with a place inside of the text or at its end', () => {
  fc.assert(
    fc.property(
      fc.json(),
      fc.nat(),
      fc.constantFrom('', '}', ']', ',', ':', '"', '\\', 'x', '0', '\n', ' '),
      (json, at, put) => {
        const text = json.slice(0, at % (json.length + 1)) + put + json.slice((at % (json.length + 1)) + 1);
        let valid = true;
        try {
          JSON.parse(text);
        } catch {
          valid = false;
        }
        const result = parseJson(text);
        expect(result.ok).toBe(valid);
        if (!result.ok) {
          const lines = text.split('\n');
          expect(result.line).toBeLessThanOrEqual(lines.length);
          expect(result.column).toBeLessThanOrEqual((lines[result.line - 1] ?? '').length + 1);
        }
      },
    ),
    { numRuns: 500 },
  );
});

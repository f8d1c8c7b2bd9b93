import { readFileSync } from 'node:fs';

import fc from 'fast-check';

import { catalogerFor, catalogers } from '../../../src/discovery/catalogers/index.ts';

const sources = catalogers.map(({ source }) => source);
const parse = (source: string, output: string) => catalogerFor(source)!.parse(output);

/** The output comes from a machine that nobody trusts: whatever it is, there is an answer, and it can be stored. */
const answers = (source: string, output: string): boolean => {
  const parsed = parse(source, output);
  if (!parsed.ok) return parsed.reason !== '';
  const stored = JSON.stringify(parsed.data);
  return JSON.stringify(JSON.parse(stored)) === stored;
};

const keys = fc.constantFrom(
  '__proto__',
  'constructor',
  'class',
  'children',
  'size',
  'lldp',
  'interface',
  'chassis',
  'id',
);
const json = fc.letrec<{ node: unknown }>((tie) => ({
  node: fc.oneof(
    { maxDepth: 5 },
    fc.jsonValue(),
    fc.array(tie('node'), { maxLength: 4 }),
    fc.dictionary(fc.oneof(keys, fc.string()), tie('node'), { maxKeys: 5 }),
  ),
})).node;
const fragments = [
  'Handle 0x1, DMI type 1',
  'System Information',
  '\t',
  '\t\t',
  ' : ',
  ':',
  '|',
  ',',
  '\n',
  '\n\n',
  '__proto__',
  'constructor',
];
fragments.push(
  'FRU Device Description',
  'MAC Address',
  'Auth Type Enable',
  'Cipher Suite Priv Max',
  '00:11:22:33:44:55',
  'Memory Device',
);
const lines = fc
  .array(fc.oneof(fc.constantFrom(...fragments), fc.string()), { maxLength: 60 })
  .map((parts) => parts.join(''));

describe.each(sources)('%s', (source) => {
  test('answers any text', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (output) => answers(source, output)));
  });

  test('answers any lines of its own words', () => {
    fc.assert(fc.property(lines, (output) => answers(source, output)));
  });

  test('answers any JSON', () => {
    fc.assert(fc.property(json, (value) => answers(source, JSON.stringify(value))));
  });

  test('refuses what is too large, and what is nested too deep to be written again', () => {
    expect(parse(source, 'a: b\n'.repeat(4_000_000))).toMatchObject({ ok: false });
    expect(parse(source, '['.repeat(1_000_000))).toMatchObject({ ok: false });
  });
});

test('JSON is read to 64 levels and no deeper; brackets in strings do not count', () => {
  const nested = (levels: number) => `${'{"a":'.repeat(levels)}"[[\\"[["${'}'.repeat(levels)}`;

  expect(parse('ohai', nested(64))).toMatchObject({ ok: true });
  expect(parse('ohai', nested(65))).toMatchObject({ ok: false });
});

/** Each would take minutes where the work grows with the square of the input. */
test('long inputs of the worst kind are answered at once', () => {
  expect(parse('ipmi-fru', 'FRU Device Description : x\n'.repeat(150_000))).toMatchObject({ ok: true });
  expect(parse('lldp', `{"lldp":{"interface":[${'{"e":{}},'.repeat(300_000)}{}]}}`)).toMatchObject({ ok: true });
  expect(parse('lshw', `{"product":"${' ('.repeat(4_000_000)}"}`)).toMatchObject({ ok: true });
  expect(parse('ohai', '"\\'.repeat(4_000_000))).toMatchObject({ ok: false });
});

test('a key called __proto__ changes no object', () => {
  for (const output of [
    'Handle 0x1\n__proto__\n\tpolluted: yes\n',
    'FRU Device Description : __proto__\n polluted : yes\n',
    '{"lldp":{"interface":{"__proto__":{"polluted":"yes"}}}}',
  ]) {
    for (const source of sources) parse(source, output);
  }
  expect(({} as Record<string, unknown>).polluted).toBeUndefined();
});

test('a truncated sample is answered at every length', () => {
  const text = readFileSync('test/fixtures/on-tasks/dmidecode-quanta.txt', 'utf8').slice(0, 3000);
  for (let length = 0; length < text.length; length += 7) expect(answers('dmi', text.slice(0, length))).toBe(true);
});

test('an unknown source has no cataloger', () => {
  expect(catalogerFor('constructor')).toBeUndefined();
});

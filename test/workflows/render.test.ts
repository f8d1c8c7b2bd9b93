import fc from 'fast-check';
import { hasExpression, render } from '../../src/workflows/render.ts';

const scope = {
  options: { a: 'A', n: 5, flag: false, list: [1, 2], nested: '{{ options.a }}-{{ options.n }}', object: { k: 'v' } },
  context: { outputs: { 'my.label': { x: 'X' } }, user: 'root' },
};

const rendered = (value: unknown, deferred?: string[]) => {
  const result = render(value, scope, deferred);
  return result.ok ? result.value : result.errors.map(({ at, message }) => `${at}: ${message}`);
};

describe('render', () => {
  it.each([
    ['plain text', 'plain text'],
    ['{{ options.a }}', 'A'],
    ['{{options.n}}', 5],
    ['n={{ options.n }}!', 'n=5!'],
    ['{{ options.flag }}', false],
    ['{{ options.list }}', [1, 2]],
    ['{{ options.object }}', { k: 'v' }],
    ['list {{ options.list }}', 'list [1,2]'],
    ['{{ options.nested }}', 'A-5'],
    ['{{ options.none || options.a }}', 'A'],
    ['{{ options.none | options.a }}', 'A'],
    ['{{ options.none || stay }}', 'stay'],
    ['{{ options.flag || false }}', 'false'],
    ["{{ options.none || 'two words' }}", 'two words'],
    ['{{ context.outputs["my.label"].x }}', 'X'],
    ["{{ context.outputs['my.label'].x }}", 'X'],
    ['{{ options.list[1] }}', 2],
    ['two\nlines {{ options.a }}', 'two\nlines A'],
    [{ deep: ['{{ options.a }}', { x: '{{ context.user }}' }] }, { deep: ['A', { x: 'root' }] }],
    [7, 7],
    [null, null],
  ])('%j becomes %j', (value, expected) => {
    expect(rendered(value)).toEqual(expected);
  });

  it('names the place and the path of what has no value', () => {
    expect(rendered({ commands: [{ command: 'ls {{ options.none }}' }] })).toEqual([
      "commands.0.command: 'options.none' has no value",
    ]);
  });

  it('refuses sections', () => {
    expect(rendered('{{#options.list}}x{{/options.list}}')).toEqual([
      ": '{{ #options.list }}': sections are not supported",
      ": '{{ /options.list }}': sections are not supported",
    ]);
  });

  it('leaves what names a deferred root as it is, and renders the rest', () => {
    expect(rendered('{{ options.a }} {{ context.later || x }}', ['context'])).toBe('A {{ context.later || x }}');
  });

  it('sees no properties that objects inherit', () => {
    expect(rendered('{{ options.constructor }}')).toEqual([": 'options.constructor' has no value"]);
  });

  it.each([
    ['circle', { a: '{{ options.b }}', b: '{{ options.a }}' }, 'refer to each other'],
    [
      'circle with branches',
      { a: '{{options.b}}{{options.b}}', b: '{{options.a}}{{options.a}}' },
      'refer to each other',
    ],
    [
      'doubling',
      Object.fromEntries(
        Array.from({ length: 40 }, (_, i) => [
          i === 0 ? 'a' : `o${i}`,
          i === 39 ? 'x' : `{{options.o${i + 1}}}{{options.o${i + 1}}}`,
        ]),
      ),
      'grows over',
    ],
  ])('ends a %s with an error', (_name, options, message) => {
    const result = render('{{ options.a }}', { options });
    expect(result.ok ? '' : result.errors[0]?.message).toContain(message);
  });

  it('never throws, and what holds no expression stays as it is', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.string(), (value, text) => {
        const result = render({ value, text: `{{${text}}}` }, scope);
        expect(typeof result.ok).toBe('boolean');
        if (!hasExpression(value)) expect(render(value, scope)).toEqual({ ok: true, value });
      }),
    );
  });
});

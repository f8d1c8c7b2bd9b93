import { globSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

const home = resolve(import.meta.dirname, '../..');
const sources = globSync('src/**/*.ts', { cwd: home }).map((path) => ({ path, text: readFileSync(join(home, path), 'utf8') }));

/** Codes as the source gives them: to a fault, to a base class, or to a variable of that name. */
const forms = [
  /new RackwrightError\(\s*'([\w-]+)'/g,
  /\bfault\(\s*'([\w-]+)'/g,
  /super\('([a-z-]+)'/g,
  /\bcode = [^;]*?'([a-z-]+)' : '[a-z-]+'/g,
  /\bcode = [^;]*?'[a-z-]+' : '([a-z-]+)'/g,
  / : \{ code: '([a-z-]+)', message/g,
];

/** These pass a code on that another place gave: a new one has to be found by the forms above. */
const passOn = ['src/lab/control-client.ts', 'src/lab/serial.ts', 'src/store/sqlite/lane.ts'];

test('docs/errors.md has every code of the source, and no other', () => {
  const used = new Set(sources.flatMap(({ text }) => forms.flatMap((form) => [...text.matchAll(form)].map(([, code]) => code))));
  const rows = readFileSync(join(home, 'docs/errors.md'), 'utf8').split('\n');
  const documented = rows.flatMap((row) => {
    const [, cell = ''] = /^\| (`[^|]+`) \|/.exec(row) ?? [];
    return [...cell.matchAll(/`([\w-]+)`/g)].map(([, code]) => code);
  });
  expect([...used].sort()).toEqual([...documented].sort());
  expect(used.size).toBeGreaterThan(40);
});

test('every fault has its code where it is made, or passes one on', () => {
  const variable = sources.filter(({ text }) => /new RackwrightError\(\s*[^'\s]/.test(text)).map(({ path }) => path);
  expect(variable.sort()).toEqual(passOn);
});

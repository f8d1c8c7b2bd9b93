import { join, resolve } from 'node:path';
import { expectGoldenSection, markdownTable } from '../support/golden.ts';
import { requireProgram } from '../support/netns.ts';
import { openReadersWorld, type ReadersWorld } from '../support/reader.ts';
import {
  checkAnswer,
  fillPlaceholders,
  openReader,
  runTutorials,
  tutorialLines,
  type Reader,
} from '../support/tutorial.ts';

/** RackHD's tutorials, typed into a shell whose `localhost:9090` is our server, with a simulated node. */

const home = resolve(import.meta.dirname, '../..');
const lines = tutorialLines();
const served = lines.filter(({ expect }) => expect !== undefined);

describe('every line that is served', () => {
  let place: ReadersWorld;
  let reader: Reader;

  beforeAll(async () => {
    for (const program of ['curl', 'jq']) requireProgram(program, program);
    place = await openReadersWorld(60, [9090, 8080]);
    reader = await openReader({ run: (argv) => place.hosts.reader.run(argv), get: (path) => place.world.json(path) });
  }, 120_000);

  afterAll(async () => {
    reader.close();
    await place.close();
  });

  // One after the other, as a reader types them.
  test.each(served.map((line) => [line.tutorial, line.chapter, line.command, line] as const))(
    '%s, %s: %s',
    async (_tutorial, _chapter, _command, line) => {
      expect(await reader.type(line)).toEqual([]);
    },
    130_000,
  );

  test('the workflows that the tutorials start were carried out on the machine', () => {
    const effects = place.world.fleet.machines[0]?.bmc?.effects ?? [];
    const resets = effects.filter((effect) => JSON.stringify(effect).includes('reset'));
    expect(resets).toHaveLength(served.filter(({ command }) => command.includes('Graph.Reset.Node')).length);
  });

  test('where the ports are those of no server, each line is told', async () => {
    const problems = await runTutorials({
      run: (argv) => place.hosts.stranger.run(argv),
      get: (path) => place.world.json(path),
    });
    expect(problems).toHaveLength(served.length);
    expect(problems[0]).toMatch(/^curl localhost:9090.*: no HTTP answer/s);
  }, 60_000);
});

test('docs/rackhd-compat.md says which lines are served, and why the others are not', () => {
  for (const line of lines) {
    expect([line.expect, line.later, line.gone].filter((mark) => mark !== undefined)).toHaveLength(1);
  }
  const chapters = Map.groupBy(lines, ({ tutorial, chapter }) => `${tutorial}: ${chapter}`);
  const rows = [...chapters].map(([name, all]) => {
    const reasons = Map.groupBy(
      all.filter(({ expect }) => expect === undefined),
      ({ later, gone }) => (later === undefined ? `never: ${gone ?? ''}` : `later: ${later}`),
    );
    const here = all.filter(({ expect }) => expect !== undefined).length;
    return [name, `${here} of ${all.length}`, [...reasons].map(([why, some]) => `${some.length} ${why}`).join('; ')];
  });
  rows.push(['all', `${served.length} of ${lines.length}`, '']);
  expectGoldenSection(
    join(home, 'docs/rackhd-compat.md'),
    'tutorial',
    markdownTable(['chapter', 'lines that run', 'others'], rows),
  );
});

test('placeholders are the tutorials own, however spelt; an unknown one is told', () => {
  expect(fillPlaceholders('a <node_id> <Node-ID> <nodeId> <BMC IP>', { nodeid: '1', bmcip: '2' })).toBe('a 1 1 1 2');
  expect(() => fillPlaceholders('<poller_id>', {})).toThrow('<poller_id>');
});

test.each([
  ['another status', { status: 201, object: [] }, '{}', /status 200 instead of 201/],
  ['no JSON', { status: 200, object: [] }, 'oh', /no JSON: oh/],
  ['a list in place of an object', { status: 200, object: ['id'] }, '[]', /no object/],
  ['an object in place of a list', { status: 200, items: ['id'] }, '{}', /no list/],
  ['an empty list', { status: 200, items: ['id'] }, '[]', /an empty list/],
  ['an item without a key', { status: 200, items: ['id'] }, '[{"id": 1}, {}]', /'id' is missing/],
  ['nothing printed', { status: 200, prints: 'a' }, '', /nothing was printed/],
  ['another line', { status: 200, prints: '^a$' }, 'a\nb\n', /'b' does not match/],
])('an answer that is not as shown is told: %s', (_what, expectation, stdout, words) => {
  expect(checkAnswer(expectation, 200, { code: 0, stdout, stderr: '' }).join()).toMatch(words);
});

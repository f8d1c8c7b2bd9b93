import { join, resolve } from 'node:path';
import { nodeStates } from '../../src/model/node-states.ts';
import { expectGoldenSection, markdownTable } from '../support/golden.ts';

const home = resolve(import.meta.dirname, '../..');

test('docs/node-states.md shows the table of states as it is', () => {
  expectGoldenSection(join(home, 'docs/node-states.md'), 'states', `${diagram()}\n\n${table()}`);
});

const states = Object.entries(nodeStates);

/** Mermaid's form of it (https://mermaid.js.org/syntax/stateDiagram.html): names without a dash, events by their arrow. */
function diagram(): string {
  const alias = (name: string): string => name.replaceAll('-', '_');
  const arrows = states.flatMap(([from, { on }]) => {
    const events = Object.entries(on);
    const targets = Map.groupBy(events, ([, to]) => to);
    return [...targets].map(([to, some]) => `  ${alias(from)} --> ${alias(to)}: ${some.map(([event]) => event).join(', ')}`);
  });
  const names = states.filter(([name]) => name.includes('-')).map(([name]) => `  state "${name}" as ${alias(name)}`);
  return ['```mermaid', 'stateDiagram-v2', ...names, '  [*] --> new', ...arrows, '```'].join('\n');
}

function table(): string {
  const rows = states.map(([name, row]) => [
    `\`${name}\``,
    row.meaning,
    row.boots,
    'deadlineMinutes' in row ? `${row.deadlineMinutes} min` : '-',
    Object.entries(row.on)
      .map(([event, to]) => `${event}: \`${to}\``)
      .join(', '),
  ]);
  return markdownTable(['state', 'meaning', 'boots', 'deadline', 'moves'], rows);
}

import type { NodeProgress, Progress } from './progress.ts';
import { bootSteps } from './progress.ts';
import type { View } from './painter.ts';

/** Words for states that do not fit their column. */
const shortState: Readonly<Record<string, string>> = { 'failed-discovery': 'failed' };

const columns = { node: 12, step: 7, catalogs: 5, state: 13, elapsed: 6 };

/**
 * The live screen of nodes that boot: a row per node; under each step the seconds since power-on at which it was reached.
 * Lines fit 80 columns uncut.
 */
export const bootView: View<Progress> = {
  rows: (progress) => progress.length + 1,
  render: renderScreen,
  changes: renderChanges,
};

function renderScreen(progress: Progress, now: number, width: number): string[] {
  const header =
    'node'.padEnd(columns.node) +
    bootSteps.map((step) => step.padStart(columns.step)).join('') +
    'cat.'.padStart(columns.catalogs) +
    '  state'.padEnd(columns.state) +
    'time'.padStart(columns.elapsed);
  const notes = progress.flatMap(({ number, note }) => (note === undefined ? [] : [`  node ${number}: ${note}`]));
  return [header, ...progress.map((node) => row(node, now)), ...notes].map((line) => line.trimEnd().slice(0, width));
}

function row(node: NodeProgress, now: number): string {
  const from = node.reached.power;
  const last = bootSteps.findLastIndex((step) => node.reached[step] !== undefined);
  const steps = bootSteps.map((step, index) => {
    const at = node.reached[step];
    // A step that others have come after was not needed: a ROM that is iPXE loads no loader.
    const missing = index < last ? '-' : '.';
    return (at === undefined ? missing : seconds(at, from ?? at)).padStart(columns.step);
  });
  const state = node.state ?? (from === undefined ? 'off' : 'booting');
  return (
    `${node.number} ${node.kind}`.padEnd(columns.node) +
    steps.join('') +
    node.catalogs.length.toString().padStart(columns.catalogs) +
    `  ${shortState[state] ?? state}`.padEnd(columns.state) +
    (from === undefined ? '' : seconds(node.endedAt ?? now, from)).padStart(columns.elapsed)
  );
}

function renderChanges(before: Progress | undefined, after: Progress): string[] {
  return after.flatMap((node, index) => {
    const old = before?.[index];
    return changes(old, node).map(({ text, at }) => {
      const from = node.reached.power;
      const time = at === undefined || from === undefined ? '' : `${seconds(at, from)} s`;
      return `node ${node.number} ${node.kind.padEnd(9)} ${time.padStart(8)}  ${text}`;
    });
  });
}

function changes(old: NodeProgress | undefined, node: NodeProgress): { text: string; at?: number }[] {
  const steps = bootSteps.flatMap((step) => {
    const at = node.reached[step];
    return at === undefined || old?.reached[step] !== undefined ? [] : [{ text: step, at }];
  });
  const catalogs = node.catalogs.filter((source) => old?.catalogs.includes(source) !== true);
  const state = node.state !== undefined && node.state !== old?.state ? node.state : undefined;
  return [
    ...steps,
    ...catalogs.map((source) => ({ text: `catalog ${source}` })),
    ...(state === undefined ? [] : [{ text: state, ...(node.endedAt === undefined ? {} : { at: node.endedAt }) }]),
    ...(node.note === undefined || node.note === old?.note ? [] : [{ text: node.note }]),
  ];
}

/** Times are milliseconds. */
export function seconds(at: number, from: number): string {
  return (Math.max(0, at - from) / 1000).toFixed(1);
}

import type { DeployProgress, DeployStep, Transfer } from './deploy-progress.ts';
import type { View } from './painter.ts';
import { seconds } from './screen.ts';

const columns = { label: 15, at: 6, bar: 14 };

/** The live screen of a deploy: a row per step, with the seconds since the start at which it began; a bar for bytes. */
export const deployView: View<DeployProgress> = {
  rows: ({ steps }) => steps.length + 2,
  render: (progress, now, width) => {
    const { node, kind, image, startedAt, end, steps, note } = progress;
    const time = seconds(end?.at ?? now, startedAt);
    return [
      `node ${node} ${kind}: ${image}`.padEnd(columns.label + columns.at + 2) +
        `  ${end?.state ?? 'deploying'} ${time}`,
      ...steps.map((step) => row(step, progress, now)),
      ...(note === undefined ? [] : [`  ${note}`]),
    ].map((line) => line.trimEnd().slice(0, width));
  },
  changes: (before, after) => [
    ...after.steps.flatMap((step, index) =>
      stepChanges(before?.steps[index], step).map(({ at, text }) => line(after, at, text)),
    ),
    ...(after.note === undefined || after.note === before?.note ? [] : [line(after, undefined, after.note)]),
    ...(after.end === undefined || before?.end !== undefined ? [] : [line(after, after.end.at, after.end.state)]),
  ],
};

function row(
  { label, beganAt, endedAt, state, transfer }: DeployStep,
  { startedAt }: DeployProgress,
  now: number,
): string {
  const name = `  ${label}`.padEnd(columns.label);
  if (beganAt === undefined) return `${name}${'.'.padStart(columns.at)}`;
  const begun = name + seconds(beganAt, startedAt).padStart(columns.at);
  if (endedAt !== undefined)
    return `${begun}  ${state === 'succeeded' ? '' : `${state ?? ''} `}${took(beganAt, endedAt)}`;
  return `${begun}  ${transfer === undefined ? took(beganAt, now) : barText(transfer)}`;
}

function took(from: number, to: number): string {
  return `${seconds(to, from)} s`;
}

function barText(transfer: Transfer): string {
  const filled = Math.floor(portion(transfer) * columns.bar);
  return `[${'#'.repeat(filled)}${'-'.repeat(columns.bar - filled)}] ${amount(transfer)}`;
}

/** ` 45 % of 618 MB, 12.3 MB/s, 28 s left`. */
function amount(transfer: Transfer): string {
  const { total, rate, secondsLeft } = transfer;
  const percent = Math.floor(portion(transfer) * 100).toString();
  const speed = rate === undefined ? '' : `, ${(rate / 1e6).toFixed(1)} MB/s`;
  const left = secondsLeft === undefined || secondsLeft === 0 ? '' : `, ${secondsLeft} s left`;
  return `${percent.padStart(3)} % of ${(total / 1e6).toFixed(0)} MB${speed}${left}`;
}

function portion({ bytes, total }: Transfer): number {
  return total === 0 ? 1 : Math.min(1, bytes / total);
}

function stepChanges(old: DeployStep | undefined, step: DeployStep): { at?: number; text: string }[] {
  const { label, beganAt, endedAt, state, transfer } = step;
  const moved = transfer !== undefined && tenth(transfer) !== (old?.transfer && tenth(old.transfer));
  return [
    ...(beganAt === undefined || old?.beganAt !== undefined ? [] : [{ at: beganAt, text: label }]),
    ...(moved ? [{ text: `${label} ${amount(transfer).trimStart()}` }] : []),
    ...(endedAt === undefined || old?.endedAt !== undefined ? [] : [{ at: endedAt, text: `${label} ${state ?? ''}` }]),
  ];
}

function tenth(transfer: Transfer): number {
  return Math.floor(portion(transfer) * 10);
}

function line({ node, kind, startedAt }: DeployProgress, at: number | undefined, text: string): string {
  const time = at === undefined ? '' : `${seconds(at, startedAt)} s`;
  return `node ${node} ${kind.padEnd(9)} ${time.padStart(8)}  ${text}`;
}

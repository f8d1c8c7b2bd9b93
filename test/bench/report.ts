/**
 * How a benchmark measures and says what it found. A benchmark is a program `test/bench/<name>.ts`, run by
 * `make bench ONLY=<name>`; programs that it starts are in `test/bench/programs`. Each figure stands beside that of a peer
 * measured in the same run, because the machine is never the same twice.
 */
import { appendFileSync, mkdirSync } from 'node:fs';
import { loadavg } from 'node:os';
import { dirname, join } from 'node:path';

/** How often each side of a figure is measured, unless the benchmark says otherwise. */
export const rounds = 5;

const defaultFile = join(import.meta.dirname, '../../.cache/bench.json');

/** What a figure should reach, as ratio of ours to the peer's. It is printed, and judged by the reader. */
export type Bar = { readonly atLeast: number } | { readonly atMost: number };

export interface Figure {
  /** Without spaces, `<benchmark>-<what>`. */
  readonly name: string;
  /** One value a round, or one value. The median is the figure. */
  readonly ours: readonly number[] | number;
  /** None where nothing comparable exists: the line has `-` for it and for the ratio. */
  readonly peer?: readonly number[] | number;
  readonly unit: string;
  readonly bar?: Bar;
}

/** The middle value; of an even number of values the mean of the two in the middle. NaN of none. */
export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** The value below which `share` (0 to 1) of the values lie, interpolated linearly. NaN of none. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const position = (sorted.length - 1) * share;
  const [below, above] = [sorted[Math.floor(position)] ?? NaN, sorted[Math.ceil(position)] ?? NaN];
  return below + (above - below) * (position - Math.floor(position));
}

/** Measures both sides in turns, so that what else the machine does falls on both. One value a round of each. */
export async function inTurns<Measured>(
  sides: { ours: (round: number) => Promise<Measured>; peer: (round: number) => Promise<Measured> },
  times: number = rounds,
): Promise<{ ours: Measured[]; peer: Measured[] }> {
  const measured: { ours: Measured[]; peer: Measured[] } = { ours: [], peer: [] };
  for (let round = 0; round < times; round += 1) {
    measured.ours.push(await sides.ours(round));
    measured.peer.push(await sides.peer(round));
  }
  return measured;
}

/**
 * Prints `BENCH name ours peer ratio unit`, and below it the bar if there is one; appends the same as one line of JSON,
 * with the values of each round and the machine's load, to `file` (default: BENCH_FILE, else .cache/bench.json).
 */
export function report(figure: Figure, file: string = process.env.BENCH_FILE ?? defaultFile): void {
  const ours = median([figure.ours].flat());
  const peer = figure.peer === undefined ? undefined : median([figure.peer].flat());
  const ratio = peer === undefined ? undefined : ours / peer;
  const columns = [ours, peer].map((value) => (value === undefined ? '-' : rounded(value)));
  process.stdout.write(`BENCH ${[figure.name, ...columns, ratio?.toFixed(2) ?? '-', figure.unit].join(' ')}\n`);
  if (figure.bar !== undefined && ratio !== undefined) process.stdout.write(`      ${judged(figure.bar, ratio)}\n`);
  const runs = { ours: figure.ours, peer: figure.peer };
  append(file, { name: figure.name, ours, peer, ratio, unit: figure.unit, bar: figure.bar, runs });
}

/** Says that a figure could not be had, and why. */
export function reportSkipped(
  name: string,
  reason: string,
  file: string = process.env.BENCH_FILE ?? defaultFile,
): void {
  process.stdout.write(`SKIPPED ${name}: ${reason}\n`);
  append(file, { name, skipped: reason });
}

function append(file: string, entry: Record<string, unknown>): void {
  mkdirSync(dirname(file), { recursive: true });
  appendFileSync(file, `${JSON.stringify({ at: new Date().toISOString(), ...entry, load: loadavg()[0] })}\n`);
}

function judged(bar: Bar, ratio: number): string {
  const [word, limit, met] =
    'atLeast' in bar ? ['at least', bar.atLeast, ratio >= bar.atLeast] : ['at most', bar.atMost, ratio <= bar.atMost];
  return `bar: ${word} ${limit}x the peer: ${met ? 'met' : 'MISSED'}`;
}

/** Three digits that count; whole numbers above 100. */
function rounded(value: number): string {
  return value >= 100 || Number.isInteger(value) ? value.toFixed(0) : value.toPrecision(3);
}

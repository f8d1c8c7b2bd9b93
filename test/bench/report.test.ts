import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { jest } from '@jest/globals';
import { inTurns, median, quantile, report, reportSkipped, type Figure } from './report.ts';

const directory = mkdtempSync(join(tmpdir(), 'rw-report-'));
const file = join(directory, 'made/bench.json');
afterAll(() => {
  rmSync(directory, { recursive: true });
});

function printed(work: () => void): string {
  const write = jest.spyOn(process.stdout, 'write').mockReturnValue(true);
  try {
    work();
    return write.mock.calls.map(([text]) => String(text)).join('');
  } finally {
    write.mockRestore();
  }
}

test.each<[string, Omit<Figure, 'name'>, string]>([
  ['medians of the rounds', { ours: [1, 500, 3], peer: [4, 2, 2.5], unit: 'MB/s' }, 'BENCH x 3 2.50 1.20 MB/s\n'],
  ['one value', { ours: 1234.56, peer: 10.04, unit: '1/s' }, 'BENCH x 1235 10.0 122.96 1/s\n'],
  ['no peer', { ours: 0.0123, unit: 's' }, 'BENCH x 0.0123 - - s\n'],
  [
    'a bar that is met',
    { ours: 5, peer: 10, unit: '1/s', bar: { atLeast: 0.5 } },
    'BENCH x 5 10 0.50 1/s\n      bar: at least 0.5x the peer: met\n',
  ],
  [
    'a bar that is not',
    { ours: 14, peer: 10, unit: 's', bar: { atMost: 1.3 } },
    'BENCH x 14 10 1.40 s\n      bar: at most 1.3x the peer: MISSED\n',
  ],
])('prints %s', (_, figure, line) => {
  expect(
    printed(() => {
      report({ name: 'x', ...figure }, file);
    }),
  ).toBe(line);
});

test('appends each figure to a file, with the values of each round', () => {
  const own = join(directory, 'own.json');
  printed(() => {
    report({ name: 'a', ours: [1, 2, 3], peer: [4, 4, 4], unit: 's' }, own);
    reportSkipped('b', 'why', own);
  });
  const lines = readFileSync(own, 'utf8').trimEnd().split('\n');
  expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual([
    {
      at: expect.any(String) as string,
      ...{ name: 'a', ours: 2, peer: 4, ratio: 0.5, unit: 's', load: expect.any(Number) as number },
      runs: { ours: [1, 2, 3], peer: [4, 4, 4] },
    },
    { at: expect.any(String) as string, name: 'b', skipped: 'why', load: expect.any(Number) as number },
  ]);
});

test('measures both sides in turns', async () => {
  const order: string[] = [];
  const side = (name: string) => (round: number) => Promise.resolve(order.push(`${name}${round}`));
  expect(await inTurns({ ours: side('ours'), peer: side('peer') }, 2)).toEqual({ ours: [1, 3], peer: [2, 4] });
  expect(order).toEqual(['ours0', 'peer0', 'ours1', 'peer1']);
});

test('medians and quantiles', () => {
  expect([median([3, 1, 2]), median([4, 1, 2, 3]), quantile([1, 2, 3, 4, 5], 1), quantile([0, 10], 0.25)]).toEqual([
    2, 2.5, 5, 2.5,
  ]);
  expect(median([])).toBeNaN();
});

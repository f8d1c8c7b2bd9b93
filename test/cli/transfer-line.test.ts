import { createProgress } from '../../src/cli/progress.ts';
import { bytesPerSecond, transferLine } from '../../src/cli/transfer-line.ts';

const mb = 1e6;
const steady = [0, 1, 2].map((second) => ({ at: second * 1000, bytes: second * 100 * mb }));

test('a line says step, share, bytes, rate and time left', () => {
  expect(transferLine({ step: 'sending', bytes: 200 * mb, total: 800 * mb, samples: steady })).toBe(
    'sending [######..................]  25 %  200 MB of 800 MB  100 MB/s  6 s left',
  );
});

test.each([
  [90, '1 min 30 s left'],
  [7200, '2.0 h left'],
])('%i seconds are %s', (seconds, words) => {
  const total = (200 + seconds * 100) * mb;
  expect(transferLine({ step: 'x', bytes: 200 * mb, total, samples: steady })).toContain(words);
});

test('where nobody knows the end, or the rate yet, they are left out', () => {
  expect(transferLine({ step: 'unpacking', bytes: 5 * mb, samples: [] })).toBe('unpacking  5 MB');
  expect(transferLine({ step: 'x', bytes: 0, total: 0, samples: [] })).toContain('100 %');
  expect(
    transferLine({ step: 'x', bytes: 0, total: 5, samples: [0, 1000].map((at) => ({ at, bytes: 0 })) }),
  ).not.toContain('left');
});

test('the rate is that of the last seconds', () => {
  const stalled = [
    { at: 0, bytes: 0 },
    { at: 1000, bytes: 100 * mb },
    { at: 60_000, bytes: 100 * mb },
    { at: 61_000, bytes: 101 * mb },
  ];
  expect(bytesPerSecond(stalled)).toBe(mb);
});

/** Shows 0 to 100 % of one step, then a second one. */
function shown(isTTY: boolean): string {
  let text = '';
  const progress = createProgress({ write: (more) => (text += more), isTTY, columns: 40 }, () => 0);
  for (let bytes = 0; bytes <= 100; bytes += 1) progress.show('sending', bytes, 100);
  progress.show('unpacking', 5);
  progress.end();
  return text;
}

test('a terminal has one line for each step, drawn anew and cut to its width', () => {
  const lines = shown(true).split('\n');
  expect(lines).toHaveLength(3);
  expect(lines[0]?.split('\r')).toHaveLength(102);
  expect(
    Math.max(
      ...(lines[0] ?? '')
        .replaceAll('\u001b[K', '')
        .split('\r')
        .map(({ length }) => length),
    ),
  ).toBeLessThan(40);
});

test('elsewhere there is a line for each tenth', () => {
  expect(shown(false).trim().split('\n')).toHaveLength(12);
});

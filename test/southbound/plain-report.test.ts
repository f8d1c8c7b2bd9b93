import fc from 'fast-check';
import { readPlainReport } from '../../src/southbound/plain-report.ts';
import type { CommandResult } from '../../src/workflows/job.ts';

const flags = ['timedOut', 'truncated', 'interrupted'] as const;

function written(results: readonly CommandResult[]): Buffer {
  const parts = results.map((result) => {
    const [out, err] = [Buffer.from(result.stdout), Buffer.from(result.stderr)];
    const marked = flags.filter((flag) => result[flag]).map((flag) => `,${flag}`);
    return Buffer.concat([
      Buffer.from(`result ${result.code} -${marked.join('')} ${out.length} ${err.length}\n`),
      out,
      err,
    ]);
  });
  return Buffer.concat(parts);
}

const text = fc.string({ unit: 'grapheme', maxLength: 50 });
const result = fc.record(
  {
    code: fc.integer({ min: 0, max: 255 }),
    stdout: text,
    stderr: text,
    timedOut: fc.constant(true),
    truncated: fc.constant(true),
    interrupted: fc.constant(true),
  },
  { requiredKeys: ['code', 'stdout', 'stderr'] },
);

test('what is written is read, whatever the outputs say', () => {
  fc.assert(
    fc.property(fc.array(result, { maxLength: 8 }), (results) => {
      expect(readPlainReport(written(results))).toEqual({ ok: true, results });
    }),
  );
});

test('any other bytes are refused, or are a report: never a fault', () => {
  const damaged = fc.tuple(fc.array(result, { maxLength: 3 }), fc.nat(), fc.uint8Array({ maxLength: 5 }));
  fc.assert(
    fc.property(damaged, ([results, at, noise]) => {
      const bytes = written(results);
      bytes.set(noise.subarray(0, Math.max(0, bytes.length - at)), Math.min(at, bytes.length));
      const read = readPlainReport(bytes);
      expect(read.ok || (read.offset <= bytes.length && read.expected.length > 0)).toBe(true);
    }),
  );
});

test('bytes that are no text are replaced', () => {
  const bytes = Buffer.concat([Buffer.from('result 0 - 3 0\n'), Buffer.from([0x61, 0xff, 0x62])]);
  expect(readPlainReport(bytes)).toEqual({ ok: true, results: [{ code: 0, stdout: 'a\ufffdb', stderr: '' }] });
});

test.each([
  ['a line of another kind', 'hello\n', 0, 'a line'],
  ['no end of the line', 'result 0 - 1 1', 0, 'a line'],
  ['a flag that there is not', 'result 0 -,late 0 0\n', 0, 'a line'],
  ['flags without their beginning', 'result 0 timedOut 0 0\n', 0, 'a line'],
  ['a negative length', 'result 0 - -1 0\n', 0, 'a line'],
  ['fewer bytes than it says', 'result 0 - 2 4\nabcde', 15, '6 bytes'],
  ['more bytes than it says', 'result 0 - 1 0\nab', 16, 'a line'],
  ['too many results', 'result 0 - 0 0\n'.repeat(1001), 15_000, 'at most 1000'],
])('%s is refused, and it is said where', (_, report, offset, expected) => {
  expect(readPlainReport(Buffer.from(report))).toEqual({
    ok: false,
    offset,
    expected: expect.stringContaining(expected) as unknown,
  });
});

import type { CommandResult } from '../workflows/job.ts';

/** A report in the form that needs no JSON: docs/agent-protocol.md. */

/** The media type of such a report. */
export const plainReportType = 'application/x-rackwright-report';

export type PlainReport =
  | { readonly ok: true; readonly results: readonly CommandResult[] }
  /** `expected` is what should have stood at `offset`, in bytes. */
  | { readonly ok: false; readonly offset: number; readonly expected: string };

const flags = ['timedOut', 'truncated', 'interrupted'] as const;
const maxResults = 1000;
/** `result CODE FLAGS STDOUT-BYTES STDERR-BYTES`: the longest is shorter. */
const maxHead = 120;

/**
 * Reads the results of an attempt: for each a line `result CODE FLAGS OUT ERR`, and then so many bytes of standard output and
 * of standard error. What is no UTF-8 in them becomes U+FFFD. Hostile input: never throws.
 */
export function readPlainReport(bytes: Buffer): PlainReport {
  const results: CommandResult[] = [];
  for (let offset = 0; offset < bytes.length;) {
    if (results.length === maxResults) return { ok: false, offset, expected: `at most ${maxResults} results` };
    const head = readHead(bytes, offset);
    if (head === undefined) return { ok: false, offset, expected: 'a line "result CODE FLAGS STDOUT STDERR"' };
    const { end, code, marked, stdout, stderr } = head;
    if (bytes.length - end < stdout + stderr) return { ok: false, offset: end, expected: `${stdout + stderr} bytes` };
    offset = end + stdout + stderr;
    results.push({
      code,
      stdout: bytes.toString('utf8', end, end + stdout),
      stderr: bytes.toString('utf8', end + stdout, offset),
      ...Object.fromEntries(marked.map((flag) => [flag, true])),
    });
  }
  return { ok: true, results };
}

interface Head {
  readonly code: number;
  readonly marked: readonly (typeof flags)[number][];
  readonly stdout: number;
  readonly stderr: number;
  /** Where the outputs begin. */
  readonly end: number;
}

function readHead(bytes: Buffer, offset: number): Head | undefined {
  const length = bytes.subarray(offset, offset + maxHead).indexOf('\n');
  if (length < 0) return undefined;
  const line = bytes.toString('latin1', offset, offset + length);
  const [, code, words = '', stdout, stderr] = /^result (\d{1,3}) -([a-zA-Z,]*) (\d{1,9}) (\d{1,9})$/.exec(line) ?? [];
  const [nothing, ...named] = words.split(',');
  if (code === undefined || nothing !== '') return undefined;
  const marked = flags.filter((flag) => named.includes(flag));
  if (new Set(named).size !== marked.length) return undefined;
  return { code: Number(code), marked, stdout: Number(stdout), stderr: Number(stderr), end: offset + length + 1 };
}

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

/** Compares a text with a file of the repository. `UPDATE_GOLDEN=1` writes the file instead: look at the diff. */
export function expectGolden(path: string, text: string): void {
  if (process.env.UPDATE_GOLDEN === '1') {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  }
  expect(text).toBe(readFileSync(path, 'utf8'));
}

/**
 * Compares a text with what stands in a file between `<!-- begin NAME -->` and `<!-- end NAME -->`; the rest of the file
 * is written by hand. `UPDATE_GOLDEN=1` writes the section instead.
 */
export function expectGoldenSection(path: string, name: string, text: string): void {
  const whole = readFileSync(path, 'utf8');
  const [begin, end] = [`<!-- begin ${name} -->\n\n`, `\n\n<!-- end ${name} -->`];
  const [from, to] = [whole.indexOf(begin), whole.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`${path} has no section ${name}`);
  if (process.env.UPDATE_GOLDEN === '1') {
    writeFileSync(path, whole.slice(0, from) + begin + text + whole.slice(to));
  } else {
    expect(whole.slice(from + begin.length, to)).toBe(text);
  }
}

/** A table in Markdown. */
export function markdownTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

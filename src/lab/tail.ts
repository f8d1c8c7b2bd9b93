import { readFile } from 'node:fs/promises';

/** The last lines of a log file; nothing where there is no file. */
export async function lastLines(path: string, count: number): Promise<string> {
  const text = await readFile(path, 'utf8').catch(() => '');
  return text.trimEnd().split('\n').slice(-count).join('\n');
}

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parse } from 'yaml';
import { waitFor } from '../../src/lab/wait.ts';
import type { Finished } from './netns.ts';

/**
 * The command lines of RackHD's tutorials (test/fixtures/rackhd/tutorial.yaml), run as a reader types them and held
 * against what the tutorial shows.
 */
export interface TutorialLine {
  readonly tutorial: string;
  readonly chapter: string;
  readonly command: string;
  /** Absent: the line is not served, and `later` or `gone` says why. */
  readonly expect?: Expectation;
  readonly later?: string;
  readonly gone?: string;
}

interface Expectation {
  readonly status: number;
  readonly items?: readonly string[];
  readonly orNone?: true;
  readonly object?: readonly string[];
  readonly prints?: string;
  readonly orNothing?: true;
  readonly run?: string;
}

/** Runs a program where `localhost:9090` (outside the lab's machine) and `localhost:8080` (inside) are the server. */
export type RunProgram = (argv: readonly string[]) => Promise<Finished>;

export interface TutorialPlace {
  readonly run: RunProgram;
  /** What the API answers to a GET of a path, as JSON. Rejects for another status than 200. */
  readonly get: (path: string) => Promise<unknown>;
}

interface TutorialFile {
  readonly tutorials: readonly {
    readonly name: string;
    readonly chapters: readonly { readonly chapter: string; readonly lines: readonly TutorialLine[] }[];
  }[];
}

const file = resolve(import.meta.dirname, '../fixtures/rackhd/tutorial.yaml');

/** Every line of every tutorial, in a reader's order. */
export function tutorialLines(): TutorialLine[] {
  const { tutorials } = parse(readFileSync(file, 'utf8')) as TutorialFile;
  return tutorials.flatMap(({ name, chapters }) =>
    chapters.flatMap(({ chapter, lines }) => lines.map((line) => ({ ...line, tutorial: name, chapter }))),
  );
}

/**
 * Runs every served line in order; what is wrong, one line of text each, with the command. Empty: the server does what
 * the tutorials show. A discovered compute node with a catalog `bmc` is expected, whose BMC takes admin/admin.
 */
export async function runTutorials(place: TutorialPlace): Promise<string[]> {
  const reader = await openReader(place);
  const problems: string[] = [];
  try {
    for (const line of tutorialLines()) {
      if (line.expect === undefined) continue;
      for (const problem of await reader.type(line)) problems.push(`${line.command}: ${problem}`);
    }
  } finally {
    reader.close();
  }
  return problems;
}

export interface Reader {
  /** Runs one line; what is wrong with its answer. Waits for the end of a workflow that it starts. */
  type(line: TutorialLine): Promise<string[]>;
  close(): void;
}

/** Somebody who follows the tutorial with the first discovered node of the place. */
export async function openReader({ run, get }: TutorialPlace): Promise<Reader> {
  const folder = mkdtempSync(join(tmpdir(), 'rwt-tutorial-'));
  const head = join(folder, 'head');
  // curl's own configuration file, so that the line stays as it is: it tells the HTTP status behind any pipe.
  writeFileSync(join(folder, '.curlrc'), `dump-header = "${head}"\n`);
  const values = await placeholders(get);
  return {
    close() {
      rmSync(folder, { recursive: true, force: true });
    },
    async type({ command, expect }) {
      if (expect === undefined) return ['it is not served'];
      rmSync(head, { force: true });
      const typed = fillPlaceholders(command, values);
      const finished = await run(['env', `CURL_HOME=${folder}`, 'sh', '-c', typed]);
      const status = Number(/^HTTP\/[\d.]+ (\d+)/.exec(readIfThere(head))?.[1]);
      const problems = checkAnswer(expect, status, finished);
      if (problems.length === 0 && expect.run !== undefined) {
        const { instanceId } = JSON.parse(finished.stdout) as { instanceId: string };
        problems.push(...(await checkRun(get, instanceId, expect.run)));
      }
      return problems;
    },
  };
}

function readIfThere(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

/** Puts values in the place of `<node_id>`, `<Node-ID>`, `<BMC IP>` and so on. Throws for an unknown one. */
export function fillPlaceholders(command: string, values: Readonly<Record<string, string>>): string {
  return command.replace(/<([A-Za-z][\w -]*)>/g, (placeholder, words: string) => {
    const value = values[words.toLowerCase().replace(/[\s_-]/g, '')];
    if (value === undefined) throw new Error(`nothing is known for the placeholder ${placeholder}`);
    return value;
  });
}

async function placeholders(get: TutorialPlace['get']): Promise<Record<string, string>> {
  const nodes = (await get('/api/2.0/nodes?type=compute')) as { id: string }[];
  for (const { id } of nodes) {
    const catalog = await get(`/api/2.0/nodes/${id}/catalogs/bmc`).catch(() => undefined);
    if (catalog === undefined) continue;
    const { data } = catalog as { data: Record<string, string> };
    return { nodeid: id, bmcip: data['IP Address'] ?? '' };
  }
  throw new Error(`none of ${nodes.length} compute nodes has been discovered with a BMC`);
}

/** What of an answer is not as the tutorial shows it. */
export function checkAnswer(expect: Expectation, status: number, { stdout, stderr }: Finished): string[] {
  if (Number.isNaN(status)) return [`no HTTP answer: ${stdout}${stderr}`];
  if (status !== expect.status) return [`HTTP status ${status} instead of ${expect.status}: ${stdout}${stderr}`];
  if (expect.prints !== undefined) return checkText(stdout, expect.prints, expect.orNothing === true);
  let value: unknown;
  try {
    value = JSON.parse(stdout);
  } catch {
    return [`no JSON: ${stdout.slice(0, 200)}${stderr}`];
  }
  if (expect.object !== undefined) return missingKeys(value, expect.object);
  if (!Array.isArray(value)) return [`no list: ${stdout.slice(0, 200)}`];
  if (value.length === 0 && expect.orNone !== true) return ['an empty list'];
  return value.flatMap((item) => missingKeys(item, expect.items ?? []));
}

function checkText(text: string, pattern: string, orNothing: boolean): string[] {
  const lines = text.split('\n').filter((line) => line !== '');
  if (lines.length === 0 && !orNothing) return ['nothing was printed'];
  return lines.filter((line) => !new RegExp(pattern).test(line)).map((line) => `'${line}' does not match ${pattern}`);
}

function missingKeys(value: unknown, keys: readonly string[]): string[] {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return [`no object: ${JSON.stringify(value)}`];
  return keys.filter((key) => !Object.hasOwn(value, key)).map((key) => `'${key}' is missing`);
}

async function checkRun(get: TutorialPlace['get'], instanceId: string, state: string): Promise<string[]> {
  const ended = await waitFor(
    `the end of run ${instanceId}`,
    async () => {
      const { status } = (await get(`/api/2.0/workflows/${instanceId}`)) as { status: string };
      return status === 'running' || status === 'pending' ? undefined : status;
    },
    { deadlineMs: 120_000, stepMs: 100 },
  );
  return ended === state ? [] : [`the run ended ${ended}`];
}

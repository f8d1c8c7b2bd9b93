import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Finished } from './netns.ts';

/** One fenced block of commands in a page (```sh NEEDS). */
export interface CommandBlock {
  /** The heading that it stands under. */
  readonly chapter: string;
  /**
   * What it needs: `lab` and `compose` begin or end a lab of that kind, `system` needs nodes that can run an operating
   * system; undefined: any node will do, a simulated one too.
   */
  readonly needs: string | undefined;
  readonly commands: string;
}

/** The blocks that a reader of a Markdown page types, in order. Blocks in another language are no commands. */
export function commandBlocks(path: string): CommandBlock[] {
  const blocks: CommandBlock[] = [];
  let chapter = '';
  let open: { readonly info: string; readonly lines: string[] } | undefined;
  for (const line of readFileSync(path, 'utf8').split('\n')) {
    const fence = /^```(.*)$/.exec(line);
    if (fence === null) {
      if (open !== undefined) open.lines.push(line);
      else if (line.startsWith('## ')) chapter = line.slice(3);
    } else if (open === undefined) open = { info: fence[1]?.trim() ?? '', lines: [] };
    else {
      const [language, needs] = open.info.split(' ');
      if (language === 'sh') blocks.push({ chapter, needs, commands: open.lines.join('\n') });
      open = undefined;
    }
  }
  if (open !== undefined) throw new Error(`${path}: a block under '${chapter}' is not closed`);
  return blocks;
}

/** A reader's shell. */
export interface ReadersShell {
  /**
   * Types commands, and gives what they print; variables are there again the next time. Rejects with all that was
   * printed where one fails.
   */
  type(commands: string, timeoutMs: number): Promise<string>;
}

/** `run` runs programs where the page's ports are; `directory` keeps the variables. */
export function createShell(
  run: (argv: readonly string[], options: { timeoutMs: number }) => Promise<Finished>,
  directory: string,
): ReadersShell {
  const variables = join(directory, 'variables');
  writeFileSync(variables, '');
  return {
    async type(commands, timeoutMs) {
      const script = `. ${variables}; set -a\n${commands}\nset +a; export -p >${variables}`;
      const bash = ['bash', '--norc', '-e', '-u', '-o', 'pipefail', '-c', script];
      const { code, stdout, stderr } = await run(bash, { timeoutMs });
      if (code !== 0) throw new Error(`exit status ${code} of\n${commands}\n\n${stdout}${stderr}`);
      return stdout;
    },
  };
}

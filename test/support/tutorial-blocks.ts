import { readFileSync } from 'node:fs';

/** One fenced block of commands in a page (```sh LAB). */
export interface CommandBlock {
  /** The heading that it stands under. */
  readonly chapter: string;
  /** The lab that it needs: `lab` (virtual servers), `compose` (containers); undefined: any. */
  readonly lab: string | undefined;
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
      const [language, lab] = open.info.split(' ');
      if (language === 'sh') blocks.push({ chapter, lab, commands: open.lines.join('\n') });
      open = undefined;
    }
  }
  if (open !== undefined) throw new Error(`${path}: a block under '${chapter}' is not closed`);
  return blocks;
}

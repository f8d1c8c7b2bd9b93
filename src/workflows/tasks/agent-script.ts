import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export type AgentScriptName = 'list-disks' | 'write-image' | 'finish-disk' | 'erase-metadata';

const texts = new Map<AgentScriptName, string>();

/** The text of a script for the agent, with what all of them share in front. Read once. Throws if it is not there. */
export function agentScript(name: AgentScriptName): string {
  const known = texts.get(name);
  if (known !== undefined) return known;
  const text = ['library', name]
    .map((part) => readFileSync(join(import.meta.dirname, 'scripts', `${part}.sh`), 'utf8'))
    .join('\n');
  texts.set(name, text);
  return text;
}

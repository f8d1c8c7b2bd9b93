import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { referenceUrl } from './reference-chain.ts';

const catalogTask = join(import.meta.dirname, '../../../definitions/tasks/Task.Rackwright.Catalog.json');

/** In place of the agent: runs the inventory commands of our discovery one after the other and posts what they print. */
export function inventoryScript(): string {
  const task = JSON.parse(readFileSync(catalogTask, 'utf8')) as { options: { commands: { command: string }[] } };
  const lines = task.options.commands.map(({ command }) => `(${command}) </dev/null >>/run/inventory 2>&1`);
  return [...lines, `curl -fsS --data-binary @/run/inventory ${referenceUrl}/inventory`, 'exit 3', ''].join('\n');
}

/** How many nodes have posted their inventory, by the static server's log. */
export function inventoriesIn(log: string): number {
  return readFileSync(log, 'utf8').match(/^posted \d{4,}$/gm)?.length ?? 0;
}

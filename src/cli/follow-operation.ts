import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { RackwrightError } from '../errors.ts';
import type { Client } from './client.ts';
import { printable, type WriteLine } from './server-option.ts';

/** A run, as far as following it needs. */
export const operationSchema = z.object({
  id: z.string(),
  state: z.string(),
  error: z.object({ message: z.string() }).optional(),
  tasks: z.array(z.object({ label: z.string(), state: z.string() })),
});
export type Operation = z.infer<typeof operationSchema>;

const named = z.object({ id: z.string(), name: z.string() });

/** The node that a word of the command line names. Throws where it names none, or several. */
export async function nodeOf(client: Client, word: string): Promise<z.infer<typeof named>> {
  return named.parse(await client.get(`/nodes/${encodeURIComponent(word)}`));
}

const pollMs = 500;

/** Writes each change of a task until the operation has ended. Throws if it did not succeed. */
export async function followOperation(client: Client, begun: Operation, write: WriteLine): Promise<void> {
  const shown = new Map<string, string>();
  for (let operation = begun; ;) {
    for (const { label, state } of operation.tasks) {
      if (shown.get(label) !== state) write(printable(`${label}: ${state}`));
      shown.set(label, state);
    }
    if (operation.state === 'succeeded') return;
    if (operation.state !== 'running') {
      throw new RackwrightError(
        'failed',
        `the workflow ${operation.state}: ${operation.error?.message ?? 'no reason given'}`,
      );
    }
    await sleep(pollMs);
    operation = operationSchema.parse(await client.get(`/operations/${begun.id}`));
  }
}

import { describeError } from '../errors.ts';
import type { Log } from '../log.ts';
import { endsWithin } from '../net/ends-within.ts';

/** One thing to let go of at the end. */
export interface EndStep {
  readonly name: string;
  readonly end: () => Promise<void>;
}

/** Longer than every limit that the parts set themselves: beyond it, something they wait for hangs. */
const stepMs = 30_000;

/**
 * Takes all steps in order. One that fails, or does not end in time, is logged and keeps none of the others from being
 * taken. Answers whether all ended well.
 */
export async function endInOrder(steps: readonly EndStep[], log: Log, limitMs = stepMs): Promise<boolean> {
  let well = true;
  for (const { name, end } of steps) {
    const problem = await problemOf(end, limitMs);
    if (problem === undefined) continue;
    well = false;
    log.error({ event: 'server.stop-failed', step: name, error: problem }, `${name} did not stop in order`);
  }
  return well;
}

async function problemOf(end: () => Promise<void>, limitMs: number): Promise<string | undefined> {
  try {
    return (await endsWithin(end(), limitMs)) ? undefined : `it did not end within ${limitMs / 1000} s`;
  } catch (error) {
    return describeError(error);
  }
}

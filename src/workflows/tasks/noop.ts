import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { defineJob } from '../job.ts';

/** Does nothing, after `delay` milliseconds. */
export const noop = defineJob({
  runJob: 'Job.noop',
  mode: 'effect',
  onInterrupt: 'repeat',
  options: z.looseObject({ delay: z.number().int().min(0).default(0) }),
  run: async ({ options, signal }) => {
    if (options.delay > 0) await sleep(options.delay, undefined, { signal });
    return { ok: true };
  },
});

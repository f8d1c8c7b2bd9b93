import { z } from 'zod';
import { defineJob } from '../job.ts';

/** Succeeds where `when` is `true`, fails otherwise: others wait for the one or the other. */
export const evaluateCondition = defineJob({
  runJob: 'Job.Evaluate.Condition',
  mode: 'effect',
  onInterrupt: 'repeat',
  options: z.looseObject({ when: z.union([z.string(), z.boolean()]) }),
  run: ({ options }) => {
    const met = String(options.when).toLowerCase() === 'true';
    const message = `the condition is '${String(options.when)}', not 'true'`;
    return Promise.resolve(met ? { ok: true } : { ok: false, reason: 'condition', message });
  },
});

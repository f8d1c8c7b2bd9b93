import { z } from 'zod';
import { defineJob } from '../job.ts';

/** Waits until the installed system calls home, with its own facts for the run's context. */
export const deployHome = defineJob({
  runJob: 'Job.Rackwright.Deploy.Home',
  mode: 'wait',
  awaits: 'callback',
  callback: 'phone-home',
  options: z.looseObject({}),
});

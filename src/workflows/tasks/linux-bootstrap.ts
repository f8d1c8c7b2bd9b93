import { z } from 'zod';
import { defineJob } from '../job.ts';

/**
 * Waits until the node has booted the discovery OS and its agent has a session. RackHD's options name kernels and
 * ramdisks of its own; ours is one, so that of them only `kernelArgs` counts.
 */
export const linuxBootstrap = defineJob({
  runJob: 'Job.Linux.Bootstrap',
  mode: 'wait',
  awaits: 'session',
  options: z.looseObject({ kernelArgs: z.string().optional() }),
  boots: ({ kernelArgs }) => ({ kind: 'discovery', ...(kernelArgs === undefined ? {} : { kernelArgs }) }),
});

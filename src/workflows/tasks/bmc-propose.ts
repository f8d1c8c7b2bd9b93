import { z } from 'zod';
import { defineJob } from '../job.ts';

/** Makes the password of our own user on the node's BMC; one that exists already stays. */
export const bmcPropose = defineJob({
  runJob: 'Job.Rackwright.Bmc.Propose',
  mode: 'effect',
  onInterrupt: 'repeat',
  options: z.looseObject({}),
  run: async ({ node, services }) => {
    if (!node) return { ok: false, reason: 'no-node', message: 'the run has no node' };
    const { user } = await services.bmc.propose(node.id);
    return { ok: true, output: { user } };
  },
});

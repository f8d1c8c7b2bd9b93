import { z } from 'zod';
import { defineJob } from '../job.ts';
import { newestBmcCatalog } from './bmc-catalog.ts';

/** Makes the password of our own user on the node's BMC, if it has one; one that exists already stays. */
export const bmcPropose = defineJob({
  runJob: 'Job.Rackwright.Bmc.Propose',
  mode: 'effect',
  onInterrupt: 'repeat',
  options: z.looseObject({}),
  run: async ({ node, services }) => {
    if (!node) return { ok: false, reason: 'no-node', message: 'the run has no node' };
    if ((await newestBmcCatalog(services.store, node.id)) === undefined) {
      return { ok: false, reason: 'no-catalog', message: "the node has no 'bmc' catalog: no BMC answers in band" };
    }
    const { user } = await services.bmc.propose(node.id);
    return { ok: true, output: { user } };
  },
});

import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { defineJob, type TaskOutcome } from '../job.ts';
import { newestBmcCatalog } from './bmc-catalog.ts';

/** Some BMCs take a new user only after seconds; more tries could lock it out (`Bad Password Threshold`). */
const tries = 2;
const pauseMs = 5_000;
const passing = ['auth', 'unreachable', 'timeout'];

/** Logs in over LAN with our user, at the address that the BMC itself told; then the node has an OBM. */
export const bmcProve = defineJob({
  runJob: 'Job.Rackwright.Bmc.Prove',
  mode: 'effect',
  onInterrupt: 'repeat',
  options: z.looseObject({}),
  run: async ({ node, services, signal }): Promise<TaskOutcome> => {
    if (!node) return { ok: false, reason: 'no-node', message: 'the run has no node' };
    const address = (await newestBmcCatalog(services.store, node.id))?.['IP Address'];
    if (address === undefined) {
      return { ok: false, reason: 'no-catalog', message: "the node has no 'bmc' catalog with an IP address" };
    }
    for (let attempt = 1; ; attempt += 1) {
      const result = await services.bmc.prove(node.id, address, signal);
      if (result.ok || attempt >= tries || !passing.includes(result.reason)) return result;
      await sleep(pauseMs, undefined, { signal });
    }
  },
});

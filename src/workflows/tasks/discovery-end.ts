import { z } from 'zod';
import { defineJob } from '../job.ts';

/** The agent's last task of a discovery: it stays, or does what `then` says once its report was accepted. */
export const discoveryEnd = defineJob({
  runJob: 'Job.Rackwright.Discovery.End',
  mode: 'wait',
  awaits: 'report',
  onInterrupt: 'repeat',
  options: z.looseObject({ then: z.enum(['stay', 'reboot', 'power-off']).default('stay') }),
  agentWork: ({ then }) => ({ commands: [], ...(then === 'stay' ? {} : { then }) }),
});

import { z } from 'zod';
import { defineJob } from '../job.ts';
import { agentScript } from './agent-script.ts';

/**
 * Takes from every disk what says what is on it (partition tables, signatures of file systems and RAID), and reads back
 * that it is gone. The data itself stays: it is not a secure erase. Doing it twice does no more than once.
 */
export const releaseErase = defineJob({
  runJob: 'Job.Rackwright.Release.Erase',
  mode: 'wait',
  awaits: 'report',
  onInterrupt: 'repeat',
  options: z.looseObject({}),
  agentWork: () => ({
    commands: [{ command: agentScript('erase-metadata'), title: 'erase-metadata' }],
    stopOnError: true,
  }),
});

import { isAfter } from '../progress.ts';
import { type Cause, evidenceOf } from './verdict.ts';

/** The last power command did not work, and nothing was seen after it. */
export const powerFailed: Cause = {
  cause: 'power-failed',
  title: 'Its BMC did not switch it on',
  judge({ progress }) {
    const { powerFailed: failed, powered, lastSeen } = progress;
    if (!failed || isAfter(powered, failed) || isAfter(lastSeen, failed)) return undefined;
    return {
      confidence: 0.95,
      outcome: 'stopped',
      why: 'The command that should have started it failed.',
      evidence: evidenceOf(failed),
      nextCheck: 'ask the BMC yourself: `ipmitool -I lanplus -H ADDRESS -U USER -E chassis power status`',
    };
  },
};

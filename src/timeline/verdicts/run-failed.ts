import type { NodeStateName } from '../../model/node-states.ts';
import { type Cause, evidenceOf } from './verdict.ts';

/** What to do once the reason is mended, by the node's state. */
const again: Readonly<Partial<Record<NodeStateName, string>>> = {
  'failed-discovery': 'its next network boot tries the discovery again',
  'failed-deploy': 'the same deploy can be ordered again',
  'failed-release': 'the release can be ordered again',
};

/** The boot was fine; the workflow that it was for was not. */
export const runFailed: Cause = {
  cause: 'run-failed',
  title: 'It booted, but its workflow failed',
  judge({ progress, subject, boot }) {
    const { runFinished, session, homeAwaited } = progress;
    if (!runFinished || runFinished.data.state === 'succeeded') return undefined;
    const reason = subject.stateReason ?? '';
    const failures = (boot?.facts ?? []).filter(
      ({ kind, data }) =>
        (kind === 'run.task' && (data.state === 'failed' || data.state === 'timeout')) ||
        kind === 'catalog.failed' ||
        kind === 'bmc.failed',
    );
    return {
      // Without an agent, or once it was sent to its disk, the run failed because the boot did.
      confidence: session && !homeAwaited ? 0.95 : 0.6,
      outcome: 'stopped',
      why: `${runFinished.text}.${runFinished.text.includes(reason) ? '' : ` ${reason}`}`,
      evidence: evidenceOf(session, ...failures.slice(-4), runFinished),
      nextCheck: `read the output of the task that failed: GET /api/2.0/workflows/ID; ${again[subject.state ?? 'new'] ?? 'then run it again'}`,
    };
  },
};

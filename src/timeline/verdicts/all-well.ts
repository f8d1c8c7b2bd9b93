import { type Cause, evidenceOf } from './verdict.ts';

/** The boot came to its end, and so did what it was for. */
export const allWell: Cause = {
  cause: 'all-well',
  title: 'All went well',
  judge({ progress, subject }) {
    const { session, runFinished } = progress;
    if (!session) return undefined;
    const succeeded = runFinished?.data.state === 'succeeded';
    if (!succeeded && (runFinished !== undefined || subject.state !== 'discovered')) return undefined;
    return {
      confidence: 0.95,
      outcome: 'well',
      why:
        subject.state === 'discovered'
          ? 'It booted from us and is discovered.'
          : 'It booted from us, and its workflow succeeded.',
      evidence: evidenceOf(session, runFinished),
      nextCheck: 'nothing to check',
    };
  },
};

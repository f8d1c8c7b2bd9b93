import { type Cause, evidenceOf } from './verdict.ts';

/** The system that was put on its disk runs. */
export const calledHome: Cause = {
  cause: 'called-home',
  title: 'It runs its installed system',
  judge({ boot, progress }) {
    const home = boot?.facts.findLast(({ kind }) => kind === 'deploy.home');
    if (!home) return undefined;
    return {
      confidence: 0.97,
      outcome: 'well',
      why: `${home.text.slice(0, 1).toUpperCase()}${home.text.slice(1)}.`,
      evidence: evidenceOf(home, progress.runFinished),
      nextCheck: 'nothing to check: log in with one of its keys',
    };
  },
};

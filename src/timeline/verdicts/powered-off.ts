import { type Cause, evidenceOf } from './verdict.ts';

/** It was switched off by us. */
export const poweredOff: Cause = {
  cause: 'powered-off',
  title: 'It is switched off',
  judge({ progress }) {
    if (!progress.poweredOff) return undefined;
    return {
      confidence: 0.55,
      outcome: 'well',
      why: 'It was told to switch off, and nothing was seen of it since.',
      evidence: evidenceOf(progress.poweredOff),
      nextCheck: 'ask for its power state; to start it, run Graph.PowerOn.Node',
    };
  },
};

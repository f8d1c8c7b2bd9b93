import { isAfter } from '../progress.ts';
import { isSeenOnWire } from '../timeline.ts';
import { type Cause, evidenceOf } from './verdict.ts';

/** A workflow needs the machine restarted, and nobody but a person can do that. */
export const byHand: Cause = {
  cause: 'by-hand',
  title: 'It waits for somebody to do something by hand',
  judge({ boot, progress }) {
    const facts = boot?.facts ?? [];
    // A system that is up renews its lease while it waits to be restarted.
    const cameOn = facts.findLast((fact) => isSeenOnWire(fact) && fact.data.stage !== 'os');
    const asked = facts.filter(
      (fact) => fact.kind === 'run.by-hand' && isAfter(fact, cameOn) && !isAfter(progress.runFinished, fact),
    );
    if (asked.length === 0) return undefined;
    const steps = asked.map(({ data }) => data.byHand).filter((step) => typeof step === 'string');
    return {
      confidence: 0.96,
      outcome: 'stopped',
      why: `The node has no power controller, so its workflow waits for you: ${steps.join('; then ')}.`,
      evidence: evidenceOf(...asked),
      nextCheck: 'to have this done by us from now on, give the node its BMC: PUT /api/2.0/nodes/ID/obm',
    };
  },
};

import { isAfter } from '../progress.ts';
import { type Cause, evidenceOf } from './verdict.ts';

/** The identity of the boot, or the agent that showed it, was refused. */
export const agentRejected: Cause = {
  cause: 'agent-rejected',
  title: 'Its agent was rejected',
  judge({ progress }) {
    const { refused, session, kernel, identity, loaderReport, script } = progress;
    // Anybody may ask with this machine's MAC from elsewhere: that is its own affair only when the boot ends there.
    if (!refused || !script || isAfter(session, refused) || isAfter(script, refused)) return undefined;
    const own = refused.kind === 'agent.refused' || loaderReport?.data.step === 'identity';
    return {
      confidence: own ? 0.96 : 0.4,
      outcome: 'stopped',
      why:
        refused.kind === 'agent.refused'
          ? 'The agent asked for a session and was refused, for good.'
          : 'The identity of this boot was not handed out, so the agent cannot say who it is.',
      evidence: evidenceOf(script, kernel, identity, refused, loaderReport),
      nextCheck:
        'boot it again: each boot gets a new identity. Refused again: two machines share a MAC or an address, or something between it and this server changes addresses (NAT, a proxy)',
    };
  },
};

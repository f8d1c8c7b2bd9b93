import { isAfter } from '../progress.ts';
import { type Cause, evidenceOf } from './verdict.ts';

/** It asked, and took the offer of another DHCP server. */
export const otherServer: Cause = {
  cause: 'other-server',
  title: 'It asked, but another DHCP server was chosen',
  judge({ progress, rogues, settings, silence }) {
    const { asked, answer, otherServer: taken, reached } = progress;
    if (!asked || (reached !== 'asked' && reached !== 'answered')) return undefined;
    const rogue = rogues.at(-1);
    if (taken && !(answer?.kind === 'dhcp.ack' && isAfter(answer, taken))) {
      const server = taken.data.server;
      return {
        // With our switch off, that is how it should be, and the switch is the cause.
        confidence: settings.boot === false ? 0.5 : 0.92,
        outcome: 'stopped',
        why: `It took its address from ${typeof server === 'string' ? server : 'another server'}, so it boots what that one says, or nothing.`,
        evidence: evidenceOf(asked, answer, taken, rogue),
        nextCheck:
          'is that server meant to be on this network? If not, switch it off. If it is, let it give the addresses: set `addresses: false`, `boot: true` here (proxyDHCP)',
      };
    }
    if (!rogue || answer?.kind !== 'dhcp.offer' || silence < 30) return undefined;
    return {
      confidence: 0.82,
      outcome: 'stopped',
      why: 'It was offered an address by us and did not take it; another DHCP server answers on this network too.',
      evidence: evidenceOf(asked, answer, rogue),
      nextCheck:
        'watch the wire while it boots: `tcpdump -ni INTERFACE port 67 or port 68` shows whose offer it requests',
    };
  },
};

import { type Cause, type Evidence, evidenceOf, type View } from './verdict.ts';

/** It asked, and we said nothing: by our settings, or for a reason that we told. */
export const notAnswered: Cause = {
  cause: 'not-answered',
  title: 'It asked, and this server did not answer',
  judge(view) {
    const { progress, settings, silence } = view;
    const { asked, answer, ignored, reached } = progress;
    // Another server's client is ignored in the end; an answer of ours that came before shows that we do answer.
    if (!asked || reached !== 'asked' || answer) return undefined;
    const explained = ignored !== undefined || settings.boot === false;
    if (!explained && silence < 10) return undefined;
    return {
      confidence: explained ? 0.9 : 0.6,
      outcome: 'stopped',
      why: whyOf(view),
      evidence: [...evidenceOf(asked, ignored), ...switchEvidence(view)],
      nextCheck: nextCheckOf(view),
    };
  },
};

function whyOf({ settings, progress }: View): string {
  if (settings.boot === false) return 'Booting is switched off for its network: this server only watches there.';
  const reason = progress.ignored?.data.reason;
  return typeof reason === 'string'
    ? `This server let its request pass: ${reason}.`
    : 'No answer of ours was recorded.';
}

function nextCheckOf({ settings, progress }: View): string {
  if (progress.ignored?.data.silentFor !== undefined) {
    return (
      'is that server meant to be on this network? If not, switch it off: this server looks again every minute. ' +
      'If it is, let it give the addresses: set `addresses: false`, `boot: true` here (proxyDHCP)'
    );
  }
  return settings.boot === false
    ? 'if this server shall boot machines here, set `boot: true` for the subnet (and `addresses: true`, unless another DHCP server gives them)'
    : 'compare the subnets in `rackwright config show` with the network that the machine is on';
}

function switchEvidence({ settings }: View): Evidence[] {
  return settings.boot === false ? [{ text: 'configuration: `boot` is off for its subnet' }] : [];
}

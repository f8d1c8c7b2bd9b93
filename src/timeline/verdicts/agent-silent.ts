import { type Cause, evidenceOf, isQuiet, silenceOf } from './verdict.ts';

/** Kernel and ramdisk were fetched, and the agent in them was not heard of. */
export const agentSilent: Cause = {
  cause: 'agent-silent',
  title: 'It fetched its kernel, but the agent is silent',
  judge(view) {
    const { reached, kernel, ramdisk, identity, osAsked, refused } = view.progress;
    if (reached !== 'identity' && !(reached === 'kernel' && ramdisk)) return undefined;
    if (refused || !isQuiet(view)) return undefined;
    return {
      confidence: 0.88,
      outcome: 'stopped',
      why: osAsked
        ? 'The kernel runs and got an address, but its agent did not reach this server.'
        : 'Kernel and ramdisk were fetched, and then nothing came from it: the kernel crashed, or has no driver for the network card.',
      evidence: [...evidenceOf(kernel, ramdisk, identity, osAsked), silenceOf(view)],
      nextCheck: osAsked
        ? "look at its console for the agent's messages; from there try `curl http://SERVER:9080/healthz`"
        : 'look at its console (`ipmitool sol activate`): a panic, or "no network interface"? If it shows nothing, set the right console in `microkernel.kernelArgs`',
    };
  },
};

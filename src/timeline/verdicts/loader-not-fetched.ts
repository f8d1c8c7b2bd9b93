import { isAfter } from '../progress.ts';
import { type Cause, evidenceOf, isQuiet, silenceOf } from './verdict.ts';

/** It was told which loader to fetch, and did not get it. */
export const loaderNotFetched: Cause = {
  cause: 'loader-not-fetched',
  title: 'It did not get its boot loader',
  judge(view) {
    const { reached, loaderNamed, loaderAsked, loaderFailed, loaderDone } = view.progress;
    if (reached !== 'answered' || !loaderNamed || isAfter(loaderDone, loaderFailed)) return undefined;
    const nextCheck =
      'fetch it from another machine on that network: `curl tftp://SERVER/FILE -o /dev/null`. Works there: the path to this machine drops UDP, or large packets. Fails there too: a firewall on this server';
    // Firmware tries again, and some break their first transfer off on purpose, to learn the size.
    if (loaderFailed && view.silence >= 20) {
      return {
        confidence: 0.92,
        outcome: 'stopped',
        why: 'It asked for its boot loader, and the transfer failed.',
        evidence: [...evidenceOf(loaderNamed, loaderAsked, loaderFailed), silenceOf(view)],
        nextCheck,
      };
    }
    if (!isQuiet(view)) return undefined;
    return {
      confidence: 0.85,
      outcome: 'stopped',
      why: loaderAsked
        ? 'It began to fetch its boot loader and never finished.'
        : 'It got an address and the name of its boot loader, and never asked for it.',
      evidence: [...evidenceOf(loaderNamed, loaderAsked), silenceOf(view)],
      nextCheck,
    };
  },
};

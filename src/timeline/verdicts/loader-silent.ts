import { type Cause, evidenceOf, isQuiet, silenceOf } from './verdict.ts';

/** The loader was fetched whole, and no script was asked for. */
export const loaderSilent: Cause = {
  cause: 'loader-silent',
  title: 'It fetched its boot loader, then fell silent',
  judge(view) {
    const { reached, loaderDone, ipxeAsked, ipxeAnswer } = view.progress;
    if ((reached !== 'loader' && reached !== 'ipxe') || !isQuiet(view)) return undefined;
    if (reached === 'ipxe') {
      const file = ipxeAnswer?.data.file;
      if (ipxeAnswer && file === undefined) return undefined;
      return {
        confidence: 0.88,
        outcome: 'stopped',
        why: ipxeAnswer
          ? 'The loader ran and was told where its script is, but never fetched it over HTTP.'
          : 'The loader ran and asked for an address, and got no answer that it could use.',
        evidence: [...evidenceOf(loaderDone, ipxeAsked, ipxeAnswer), silenceOf(view)],
        nextCheck: `from another machine on that network: curl '${typeof file === 'string' ? file : 'http://SERVER:9080/boot/script?mac=MAC'}'. No answer there: a firewall blocks TCP 9080`,
      };
    }
    return {
      confidence: 0.85,
      outcome: 'stopped',
      why: 'The loader was sent whole, but it did not run, or found no network card.',
      evidence: [...evidenceOf(loaderDone), silenceOf(view)],
      nextCheck:
        'look at its screen: "Access denied" or "Security violation" means Secure Boot, which does not accept this loader; a hang means that the loader cannot drive this network card',
    };
  },
};

import type { Fact } from '../../model/fact.ts';
import { bootsItsOwnDisk, type Cause, evidenceOf, type View } from './verdict.ts';

/** It was answered, and told that there is nothing for it to boot. */
export const nothingToBoot: Cause = {
  cause: 'nothing-to-boot',
  title: 'It was told that there is nothing to boot',
  judge(view) {
    const told = refusalOf(view);
    if (!told || sentToItsDisk(view)) return undefined;
    const reason = told.fact.data[told.key];
    const noLoader = typeof reason === 'string' && reason.includes('architecture');
    const asIntended = bootsItsOwnDisk(view) && !noLoader;
    return {
      confidence: 0.9,
      outcome: asIntended ? 'well' : 'stopped',
      why: `${typeof reason === 'string' ? `We gave it nothing to boot: ${reason}.` : 'We gave it nothing to boot.'}${asIntended ? ' It goes on to its own disk, as it should.' : ''}`,
      evidence: evidenceOf(view.progress.asked, told.fact),
      nextCheck: noLoader
        ? 'switch its firmware between UEFI and BIOS, or to a network card of a supported architecture'
        : 'to boot it from the network, start a workflow on it (POST /nodes/ID/workflows), or discover it again',
    };
  },
};

/**
 * A deploy that came to its end has the machine boot its disk: whether it does is another cause's question. Where the
 * firmware asks the network first we see it go on from there; where it does not, the run waits for a call, and that is all.
 */
export function sentToItsDisk(view: View): Fact | undefined {
  const { subject, progress } = view;
  if (subject.state !== 'deploying' && subject.state !== 'failed-deploy') return undefined;
  return refusalOf(view)?.fact ?? progress.homeAwaited;
}

/** The answer without a file, if the boot ended there. */
export function refusalOf({ progress }: View): { fact: Fact; key: 'noFile' | 'reason' } | undefined {
  const { answer, script, reached } = progress;
  if (reached === 'script' && script?.data.target === 'nothing') return { fact: script, key: 'reason' };
  const answered = reached === 'answered' || reached === 'ipxe';
  return answered && answer && answer.data.file === undefined ? { fact: answer, key: 'noFile' } : undefined;
}

import type { Hop } from '../progress.ts';
import { refusalOf } from './nothing-to-boot.ts';
import { type Cause, duration, evidenceOf, isQuiet, patience } from './verdict.ts';

const waitsFor: Readonly<Record<Hop, string>> = {
  power: 'its self-test to end and its first DHCP request',
  asked: 'an answer to its DHCP request',
  answered: 'it to fetch its boot loader',
  loader: 'the boot loader to start',
  ipxe: 'the boot loader to fetch its script',
  script: 'it to fetch the kernel',
  kernel: 'it to fetch the ramdisk and its identity',
  identity: 'the kernel to start and the agent to report',
  agent: 'its workflow to end',
};

/** The last step was not long ago: wait. */
export const inProgress: Cause = {
  cause: 'in-progress',
  title: 'It is under way',
  judge(view) {
    const { progress, silence, boot } = view;
    if (!boot || progress.poweredOff || isQuiet(view)) return undefined;
    const { reached, powered, lastSeen, runFinished, session } = progress;
    // A run that only switched it on ended well before the boot does.
    if (runFinished && (session || runFinished.data.state !== 'succeeded')) return undefined;
    // Seen, but not on its way to us: an operating system of its own.
    if (reached === 'power' && lastSeen) return undefined;
    if (reached === 'agent' && view.subject.state === 'discovered') return undefined;
    // It was told to go on without us.
    if (refusalOf(view)) return undefined;
    const limit = patience[reached];
    return {
      confidence: 0.8,
      outcome: 'in-progress',
      why: `We wait for ${waitsFor[reached]}; its last sign was ${duration(silence)} ago.`,
      evidence: evidenceOf(lastSeen ?? powered),
      nextCheck: Number.isFinite(limit)
        ? `nothing yet: this step is given up on after ${duration(limit)} of silence`
        : 'nothing yet: its tasks have deadlines of their own',
    };
  },
};

import { isAfter } from '../progress.ts';
import { sentToItsDisk } from './nothing-to-boot.ts';
import { type Cause, duration, evidenceOf, silenceOf } from './verdict.ts';

/** Seconds from the firmware's last request to the installed system's call: a first boot generates keys and grows disks. */
const firstBoot = 300;

/** A deployed machine was told to boot its disk, and the system on it has not called home. */
export const diskBoot: Cause = {
  cause: 'disk-boot',
  title: 'Its disk did not boot, or the system on it does not call home',
  judge(view) {
    const { subject, silence, progress, boot } = view;
    const sent = sentToItsDisk(view);
    if (!sent || progress.runFinished?.data.state === 'cancelled') return undefined;
    if (subject.state === 'deploying' && silence < firstBoot) {
      return {
        confidence: 0.85,
        outcome: 'in-progress',
        why: `It was told to boot its disk, and we wait for the installed system to call home; its last sign was ${duration(silence)} ago.`,
        evidence: evidenceOf(sent),
        nextCheck: `nothing yet: a first boot may take ${duration(firstBoot)}`,
      };
    }
    const up = boot?.facts.find((fact) => fact.kind === 'dhcp.ack' && fact.data.stage === 'os' && isAfter(fact, sent));
    return {
      confidence: 0.9,
      outcome: 'stopped',
      ...(up ? runs : stays),
      evidence: [...evidenceOf(sent, up, progress.runFinished), silenceOf(view)],
    };
  },
};

const stays = {
  why: 'It was told to boot its disk, and the installed system never called home: the image does not boot on this firmware, or its cloud-init finds no seed.',
  nextCheck:
    "look at its console: does it stay in the firmware? Then compare the image's bootModes (GET /images/NAME) with the machine's firmware. Does it come to a login? Then ask cloud-init: cloud-init status --long",
} as const;

const runs = {
  why: 'It was told to boot its disk, and the system on it got an address, but it never called home: its cloud-init finds no seed, or did not come to its end.',
  nextCheck: 'log in on its console and ask cloud-init: cloud-init status --long',
} as const;

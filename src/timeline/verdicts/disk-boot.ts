import { isSentToItsDisk, refusalOf } from './nothing-to-boot.ts';
import { type Cause, duration, evidenceOf, silenceOf } from './verdict.ts';

/** Seconds from the firmware's last request to the installed system's call: a first boot generates keys and grows disks. */
const firstBoot = 300;

/** A deployed machine was told to boot its disk, and the system on it has not called home. */
export const diskBoot: Cause = {
  cause: 'disk-boot',
  title: 'Its disk did not boot, or the system on it does not call home',
  judge(view) {
    if (!isSentToItsDisk(view)) return undefined;
    const { subject, silence, progress } = view;
    const told = refusalOf(view)?.fact;
    if (subject.state === 'deploying' && silence < firstBoot) {
      return {
        confidence: 0.85,
        outcome: 'in-progress',
        why: `It was told to boot its disk, and we wait for the installed system to call home; its last sign was ${duration(silence)} ago.`,
        evidence: evidenceOf(told),
        nextCheck: `nothing yet: a first boot may take ${duration(firstBoot)}`,
      };
    }
    return {
      confidence: 0.9,
      outcome: 'stopped',
      why: 'It was told to boot its disk, and the installed system never called home: the image does not boot on this firmware, or its cloud-init finds no seed.',
      evidence: [...evidenceOf(told, progress.runFinished), silenceOf(view)],
      nextCheck:
        "look at its console: does it stay in the firmware? Then compare the image's bootModes (GET /images/NAME) with the machine's firmware. Does it come to a login? Then ask cloud-init: cloud-init status --long",
    };
  },
};

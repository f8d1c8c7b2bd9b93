import { bootsItsOwnDisk, type Cause, evidenceOf, isQuiet, silenceOf, type View } from './verdict.ts';

/** Power, or nothing at all, and not one DHCP packet. */
export const neverAsked: Cause = {
  cause: 'never-asked',
  title: 'It never asked the network for a boot',
  judge(view) {
    const { progress, boot } = view;
    if (progress.reached !== 'power' || progress.poweredOff) return undefined;
    if (!progress.lastSeen && progress.powered && !isQuiet(view)) return undefined;
    const nextCheck =
      'look at its console (`ipmitool sol activate`): does the firmware list network boot, and does the port have a link? ' +
      'No network boot: enable PXE, put it first. Link but nothing here: check the VLAN, or the DHCP relay.';
    if (!boot) {
      return {
        confidence: 0.5,
        outcome: view.subject.state === 'discovered' ? 'well' : 'stopped',
        why: 'Nothing was ever seen of this machine on our networks.',
        evidence: [{ text: 'there is no DHCP packet, transfer or request of it' }],
        nextCheck: `is it switched on, and is its MAC really ${view.subject.macs.join(' or ') || 'what we think it is'}? Then ${nextCheck}`,
      };
    }
    const ownDisk = bootsItsOwnDisk(view);
    return {
      confidence: ownDisk ? 0.5 : 0.9,
      outcome: ownDisk ? 'well' : 'stopped',
      why: `${whyOf(view)}${ownDisk ? ' With nothing to boot from us that is all right.' : ''}`,
      evidence: [...evidenceOf(progress.powered, progress.lastSeen), silenceOf(view)],
      nextCheck,
    };
  },
};

function whyOf({ progress }: View): string {
  if (progress.lastSeen) {
    return 'An operating system on it asked for an address, its firmware never did: it boots from its own disk.';
  }
  return 'It was switched on, and no DHCP request of it reached us since.';
}

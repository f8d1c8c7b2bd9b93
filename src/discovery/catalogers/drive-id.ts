import type { DiskSummary } from '../../model/node.ts';
import { compact, get, known, readJson, refuse, sections } from './cataloger.ts';
import type { Cataloger, Section } from './cataloger.ts';

/**
 * The ramdisk's own `drive-id`: RackHD's list of {identifier, devName, esxiWwid, virtualDisk, scsiId, linuxWwid}, with
 * model, serial and sizeBytes beside. Unlike lsblk it knows the serial numbers of SCSI disks.
 */
export const driveId: Cataloger = {
  source: 'driveId',
  parse(output) {
    const json = readJson(output);
    if (!json.ok) return refuse(json.reason);
    if (!Array.isArray(json.value)) return refuse('there is no list in it');
    const drives = sections(json.value);
    const disks = drives.flatMap(diskOf);
    return { ok: true, data: drives, ...(disks.length > 0 && { summary: { disks } }) };
  },
};

function diskOf(drive: Section): DiskSummary[] {
  const name = known(get(drive, 'devName'));
  const sizeBytes = get(drive, 'sizeBytes');
  if (name === undefined || typeof sizeBytes !== 'number' || !(sizeBytes > 0)) return [];
  return [{ name, sizeBytes, ...compact({ model: known(get(drive, 'model')), serial: known(get(drive, 'serial')) }) }];
}

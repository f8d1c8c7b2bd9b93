import type { DiskSummary } from '../../model/node.ts';
import { compact, get, isSection, known, readJson, refuse, sections } from './cataloger.ts';
import type { Cataloger, Section } from './cataloger.ts';

/** `lsblk -J -b -O`: its document as it is. */
export const lsblk: Cataloger = {
  source: 'lsblk',
  parse(output) {
    const json = readJson(output);
    if (!json.ok) return refuse(json.reason);
    if (!isSection(json.value)) return refuse('there is no object in it');
    const devices = get(json.value, 'blockdevices');
    if (!Array.isArray(devices)) return refuse('there is no list "blockdevices" in it');
    return { ok: true, data: json.value, summary: { disks: sections(devices).flatMap(diskOf) } };
  },
};

/** A disk that a system could be installed on: fixed, of a size, and no compressed memory. */
function diskOf(device: Section): DiskSummary[] {
  const name = known(get(device, 'name'));
  const sizeBytes = Number(get(device, 'size'));
  const removable = get(device, 'rm') === true || get(device, 'rm') === '1';
  if (get(device, 'type') !== 'disk' || name === undefined || name.startsWith('zram') || removable) return [];
  if (!Number.isSafeInteger(sizeBytes) || sizeBytes <= 0) return [];
  return [
    { name, sizeBytes, ...compact({ model: known(get(device, 'model')), serial: known(get(device, 'serial')) }) },
  ];
}

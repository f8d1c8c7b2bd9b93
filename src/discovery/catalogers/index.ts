import { bmc } from './bmc.ts';
import type { Cataloger } from './cataloger.ts';
import { dmi } from './dmi.ts';
import { driveId } from './drive-id.ts';
import { ipmiFru } from './ipmi-fru.ts';
import { ipmiSdr } from './ipmi-sdr.ts';
import { ipmiSel } from './ipmi-sel.ts';
import { lldp } from './lldp.ts';
import { lsblk } from './lsblk.ts';
import { lshw } from './lshw.ts';
import { lspci } from './lspci.ts';
import { ohai } from './ohai.ts';

/** Every source that a report can be of. */
export const catalogers: readonly Cataloger[] = [
  dmi,
  ohai,
  lshw,
  lsblk,
  lspci,
  driveId,
  lldp,
  bmc,
  ipmiFru,
  ipmiSdr,
  ipmiSel,
];

/** The cataloger of a source's name; undefined for a source that we do not know. */
export function catalogerFor(source: string): Cataloger | undefined {
  return catalogers.find((cataloger) => cataloger.source === source);
}

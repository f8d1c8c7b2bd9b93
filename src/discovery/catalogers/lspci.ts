import { put, readLines, refuse, splitPair } from './cataloger.ts';
import type { Cataloger, Section } from './cataloger.ts';

/** `lspci -nnvmm`, in RackHD's shape: a list of devices, each field -> text. */
export const lspci: Cataloger = {
  source: 'lspci',
  parse(output) {
    const lines = readLines(output);
    if (lines === undefined) return refuse('the output is too large');
    const devices: Section[] = [];
    let device: Section | undefined;
    for (const line of lines) {
      if (line.trim() === '') {
        device = undefined;
        continue;
      }
      if (!line.includes(':')) continue;
      if (device === undefined) devices.push((device = {}));
      put(device, ...splitPair(line));
    }
    return devices.length === 0 ? refuse('there is no device in it') : { ok: true, data: devices };
  },
};

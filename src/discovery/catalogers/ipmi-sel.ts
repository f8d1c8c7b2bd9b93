import { put, readLines, refuse } from './cataloger.ts';
import type { Cataloger, Section } from './cataloger.ts';

/**
 * `ipmitool sel elist` (columns joined by `|`) or `sel list -c` (by commas), in RackHD's shape: entry number -> list of
 * its columns (date, time, sensor, event ...). An empty log prints nothing on standard output, and is an empty catalog.
 */
export const ipmiSel: Cataloger = {
  source: 'ipmi-sel',
  parse(output) {
    const lines = readLines(output);
    if (lines === undefined) return refuse('the output is too large');
    const written = lines.filter((line) => line.trim() !== '' && !line.startsWith('SEL has no entries'));
    const data: Section = {};
    for (const line of written) {
      const [number = '', ...columns] = line.split(line.includes('|') ? '|' : ',').map((column) => column.trim());
      if (/^[0-9a-f]+$/i.test(number) && columns.length > 0) put(data, number, columns);
    }
    if (written.length > 0 && Object.keys(data).length === 0) return refuse('there is no entry in it');
    return { ok: true, data };
  },
};

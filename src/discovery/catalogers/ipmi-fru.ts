import { get, put, readLines, refuse, splitPair } from './cataloger.ts';
import type { Cataloger, Section } from './cataloger.ts';

const heading = 'FRU Device Description';

/** `ipmitool fru print`, in RackHD's shape: device -> field -> text. RackHD cuts a date at its colon; we keep it whole. */
export const ipmiFru: Cataloger = {
  source: 'ipmi-fru',
  parse(output) {
    const lines = readLines(output);
    if (lines === undefined) return refuse('the output is too large');
    const data: Section = {};
    const unusedName = createNames(data);
    let device: Section | undefined;
    for (const line of lines) {
      if (line.trim() === '') continue;
      const [field, value] = splitPair(line);
      if (field !== heading) {
        if (device && field !== '') put(device, field, value);
        continue;
      }
      device = {};
      put(data, unusedName(value), device);
    }
    return Object.keys(data).length === 0 ? refuse(`there is no "${heading}" in it`) : { ok: true, data };
  },
};

/** Some BMCs give the same description to several devices: the second `X` becomes `X #2`. */
function createNames(data: Section): (name: string) => string {
  const last = new Map<string, number>();
  return (name) => {
    let number = last.get(name) ?? 1;
    let unused = name;
    while (get(data, unused) !== undefined) unused = `${name} #${++number}`;
    last.set(name, number);
    return unused;
  };
}

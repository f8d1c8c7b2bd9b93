import type { Mac } from '../../net/mac.ts';
import { get, isSection, machineMac, readJson, refuse } from './cataloger.ts';
import type { Cataloger, Section } from './cataloger.ts';

/** The ramdisk's own `ohai`: its document as it is, which follows Chef's ohai as far as RackHD's users read it. */
export const ohai: Cataloger = {
  source: 'ohai',
  parse(output) {
    const json = readJson(output);
    if (!json.ok) return refuse(json.reason);
    if (!isSection(json.value)) return refuse('there is no object in it');
    const macs = physicalMacs(json.value);
    return {
      ok: true,
      data: json.value,
      ...(macs.length > 0 && { summary: { macs }, lookups: macs.map((mac) => ({ mac })) }),
    };
  },
};

/** The MACs of the ports that have a driver, which bridges and tunnels do not. */
function physicalMacs(data: Section): Mac[] {
  const network = get(data, 'network');
  const interfaces = isSection(network) ? get(network, 'interfaces') : undefined;
  if (!isSection(interfaces)) return [];
  const macs = Object.values(interfaces)
    .filter(isSection)
    .filter((port) => typeof get(port, 'driver') === 'string')
    .flatMap((port) => {
      const addresses = get(port, 'addresses');
      return isSection(addresses) ? Object.keys(addresses) : [];
    })
    .map(machineMac)
    .filter((mac) => mac !== undefined);
  return [...new Set(macs)];
}

import { isIpv4 } from '../../net/address.ts';
import { compact, get, isSection, machineMac, put, readLines, refuse, splitPair } from './cataloger.ts';
import type { Cataloger, Section } from './cataloger.ts';

/**
 * `ipmitool lan print`, in RackHD's shape: field -> text; `Auth Type Enable` is an object, `Cipher Suite Priv Max` a
 * list. A channel without a MAC is no LAN channel, and no catalog.
 */
export const bmc: Cataloger = {
  source: 'bmc',
  parse(output) {
    const lines = readLines(output);
    if (lines === undefined) return refuse('the output is too large');
    const data = readFields(lines);
    const bmcMac = machineMac(get(data, 'MAC Address'));
    if (bmcMac === undefined)
      return refuse('there is no MAC address in it: this channel is no LAN, or there is no BMC');
    const address = get(data, 'IP Address');
    const bmcAddress = typeof address === 'string' && isIpv4(address) && address !== '0.0.0.0' ? address : undefined;
    return {
      ok: true,
      data,
      summary: compact({ bmcMac, bmcAddress }),
      ...(bmcAddress !== undefined && { lookups: [{ mac: bmcMac, ip: bmcAddress }] }),
    };
  },
};

const grouped = 'Auth Type Enable';
const listed = 'Cipher Suite Priv Max';

function readFields(lines: readonly string[]): Section {
  const data: Section = {};
  for (const line of lines) {
    if (!/(^|\s):(\s|$)/.test(line)) continue;
    const [field, value] = splitPair(line, /(?<=^|\s):(?=\s|$)/);
    const group = get(data, grouped);
    const list = get(data, listed);
    if (field === grouped) put(data, grouped, Object.fromEntries([splitPair(value)]));
    else if (field === listed) put(data, listed, [value]);
    else if (field !== '') put(data, field, value);
    // Lines without a field go on with what came last; the list comes after the group.
    else if (Array.isArray(list)) list.push(value);
    else if (isSection(group)) put(group, ...splitPair(value));
  }
  return data;
}

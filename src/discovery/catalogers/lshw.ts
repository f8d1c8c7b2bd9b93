import type { Mac } from '../../net/mac.ts';
import { compact, get, isSection, known, machineMac, readJson, refuse, sections, textOf } from './cataloger.ts';
import type { Cataloger, Section } from './cataloger.ts';

/** `lshw -json`: its tree as it is (newer versions wrap it in a list, which RackHD's clients do not expect). */
export const lshw: Cataloger = {
  source: 'lshw',
  parse(output) {
    const json = readJson(output);
    if (!json.ok) return refuse(json.reason);
    const root = Array.isArray(json.value) ? (json.value as unknown[])[0] : json.value;
    if (!isSection(root)) return refuse('there is no tree in it');
    const found = walk(root);
    return {
      ok: true,
      data: root,
      summary: compact({
        vendor: known(get(root, 'vendor')),
        // lshw appends the SKU in brackets.
        product: known(get(root, 'product'))?.replace(/ \([^()]*\)$/, ''),
        serial: known(get(root, 'serial')),
        memoryBytes: found.memoryBytes,
        macs: found.macs.length > 0 ? found.macs : undefined,
      }),
      lookups: found.macs.map((mac) => ({ mac })),
    };
  },
};

interface Found {
  readonly macs: readonly Mac[];
  readonly memoryBytes: number | undefined;
}

/** Looks through the tree for network ports and the system's memory; the tree is as deep as readJson allows. */
function walk(root: Section): Found {
  const macs = new Set<Mac>();
  let memoryBytes: number | undefined;
  const open: Section[] = [root];
  for (let item = open.pop(); item !== undefined; item = open.pop()) {
    const kind = get(item, 'class');
    const mac = kind === 'network' ? machineMac(get(item, 'serial')) : undefined;
    if (mac !== undefined && isPhysical(item)) macs.add(mac);
    const size = get(item, 'size');
    if (kind === 'memory' && /^system memory$/i.test(textOf(item, 'description')) && typeof size === 'number') {
      memoryBytes = (memoryBytes ?? 0) + size;
    }
    open.push(...sections(get(item, 'children') ?? []).reverse());
  }
  return { macs: [...macs], memoryBytes };
}

/** Bridges, bonds and tunnels have no bus address, or are under `usb`: a BMC's own port towards the host. */
const isPhysical = (port: Section): boolean => !textOf(port, 'businfo').startsWith('usb');

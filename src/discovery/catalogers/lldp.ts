import { get, isSection, put, readJson, refuse, sections } from './cataloger.ts';
import type { Cataloger, Section } from './cataloger.ts';

/**
 * `lldpcli show neighbors -f json`, in the shape that RackHD makes of lldpcli's `keyvalue` form: port -> neighbour, with
 * `chassis.name`, `chassis.mac`, `port.ifname` and so on. RackHD mixes the neighbours of one port into one; here the
 * first is the port's, and the others are in its `others`.
 */
export const lldp: Cataloger = {
  source: 'lldp',
  parse(output) {
    const json = readJson(output);
    if (!json.ok) return refuse(json.reason);
    const root = isSection(json.value) ? get(json.value, 'lldp') : undefined;
    if (!isSection(root)) return refuse('there is no object "lldp" in it');
    const data: Record<string, Section> = {};
    const others = new Map<string, Section[]>();
    for (const [port, neighbour] of sections(get(root, 'interface') ?? []).flatMap((entry) => Object.entries(entry))) {
      if (!isSection(neighbour)) continue;
      const more = others.get(port);
      if (more === undefined) {
        put(data, port, flatten(neighbour));
        others.set(port, []);
      } else more.push(flatten(neighbour));
    }
    for (const [port, more] of others) if (more.length > 0 && data[port]) data[port].others = more;
    return { ok: true, data };
  },
};

function flatten(neighbour: Section): Section {
  const { chassis, port, ...rest } = neighbour;
  return {
    ...rest,
    chassis: isSection(chassis) ? chassisOf(chassis) : {},
    port: isSection(port) ? identified(port) : {},
  };
}

/** JSON: {"switch1": {"id": ..}}, without a name {"id": ..}. */
function chassisOf(chassis: Section): Section {
  const [name, inner] = Object.entries(chassis)[0] ?? [];
  const named = name !== undefined && name !== 'id' && isSection(inner) && !Object.hasOwn(chassis, 'id');
  const { capability, ...rest } = identified(named ? inner : chassis);
  const result: Section = named ? { name, ...rest } : rest;
  for (const item of sections(capability ?? [])) {
    const type = get(item, 'type');
    if (typeof type === 'string') put(result, type, { enabled: get(item, 'enabled') === true ? 'on' : 'off' });
  }
  return result;
}

/** {"id": {"type": "mac", "value": "00:.."}} -> {"mac": "00:.."}. */
function identified(item: Section): Section {
  const { id, ...rest } = item;
  const type = isSection(id) ? get(id, 'type') : undefined;
  const result: Section = {};
  if (isSection(id) && typeof type === 'string') put(result, type, get(id, 'value'));
  return { ...result, ...rest };
}

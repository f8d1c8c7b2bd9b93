import type { NodeSummary } from '../../model/node.ts';
import { compact, get, known, put, readLines, refuse, sections, splitPair, textOf } from './cataloger.ts';
import type { Cataloger, Section } from './cataloger.ts';

/**
 * `dmidecode`, in RackHD's shape: section -> field -> text or list of texts; a section that occurs more than once is a
 * list. RackHD cuts a value at its second colon; we keep it whole.
 */
export const dmi: Cataloger = {
  source: 'dmi',
  parse(output) {
    const lines = readLines(output);
    if (lines === undefined) return refuse('the output is too large');
    const data = readSections(lines);
    if (Object.keys(data).length === 0) return refuse('there is no section in it: is this the output of dmidecode?');
    return { ok: true, data, summary: summarize(data) };
  },
};

/** What is being read: the record that is open, and its field that takes the list items that follow. */
interface Cursor {
  section?: Section | undefined;
  field?: string | undefined;
}

function readSections(lines: readonly string[]): Section {
  const data: Section = {};
  const cursor: Cursor = {};
  // A table begins with the first `Handle 0x0000, DMI type 0, 24 bytes`; before it dmidecode speaks of itself.
  let begun = false;
  for (const line of lines) {
    begun ||= line.startsWith('Handle ');
    if (!begun) continue;
    if (line === 'End Of Table') break;
    if (line.startsWith('Handle ') || line.trim() === '') cursor.section = cursor.field = undefined;
    else if (!/^\s/.test(line)) openSection(data, cursor, line.trim());
    else if (cursor.section) readField(cursor.section, cursor, line);
  }
  return data;
}

/** Two headings may follow each other without a blank line ("On Board Device 1 Information"): each opens a section. */
function openSection(data: Section, cursor: Cursor, name: string): void {
  const section: Section = {};
  const before = get(data, name);
  if (before === undefined) put(data, name, section);
  else if (Array.isArray(before)) before.push(section);
  else put(data, name, [before, section]);
  cursor.section = section;
  cursor.field = undefined;
}

function readField(section: Section, cursor: Cursor, line: string): void {
  const deep = line.startsWith('\t\t');
  if (deep && cursor.field !== undefined) {
    const list = get(section, cursor.field);
    if (Array.isArray(list)) list.push(line.trim());
    // "Installable Languages: 1" was a count: the list that follows takes its place.
    else put(section, cursor.field, [line.trim()]);
    return;
  }
  const [field, value] = splitPair(line);
  cursor.field = field;
  put(section, field, line.trimEnd().endsWith(':') ? [] : value);
}

function summarize(data: Section): Partial<NodeSummary> {
  const system = sections(get(data, 'System Information'))[0] ?? {};
  const board = sections(get(data, 'Base Board Information'))[0] ?? {};
  const chassis = sections(get(data, 'Chassis Information'))[0] ?? {};
  const processors = sections(get(data, 'Processor Information')).filter(
    (processor) => !/Unpopulated/i.test(textOf(processor, 'Status')),
  );
  const cores = processors.reduce((sum, processor) => sum + count(get(processor, 'Core Count')), 0);
  const memory = sections(get(data, 'Memory Device')).reduce((sum, device) => sum + bytes(get(device, 'Size')), 0);
  return compact({
    vendor: known(get(system, 'Manufacturer')) ?? known(get(board, 'Manufacturer')),
    product: known(get(system, 'Product Name')) ?? known(get(board, 'Product Name')),
    serial:
      known(get(system, 'Serial Number')) ?? known(get(chassis, 'Serial Number')) ?? known(get(board, 'Serial Number')),
    cpuModel: known(get(processors[0] ?? {}, 'Version')),
    cpuCount: processors.length || undefined,
    cpuCores: cores || undefined,
    memoryBytes: memory || undefined,
  });
}

function count(value: unknown): number {
  const number = typeof value === 'string' ? Number.parseInt(value, 10) : 0;
  return number > 0 && number < 100_000 ? number : 0;
}

const units: Readonly<Record<string, number>> = { kB: 2 ** 10, MB: 2 ** 20, GB: 2 ** 30, TB: 2 ** 40 };

/** "8192 MB" (dmidecode's units are powers of 1024); 0 for "No Module Installed". */
function bytes(value: unknown): number {
  const match = typeof value === 'string' ? /^(\d{1,9}) (kB|MB|GB|TB)$/.exec(value) : null;
  return match ? Number(match[1]) * (units[match[2] ?? ''] ?? 0) : 0;
}

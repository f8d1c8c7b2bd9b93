import type { NodeSummary } from '../../model/node.ts';
import type { Ipv4 } from '../../net/address.ts';
import { parseMac, type Mac } from '../../net/mac.ts';

/** What a parser made of a command's output. */
export type Parsed =
  | {
      readonly ok: true;
      /** The catalog. Keys may contain `.` and `$`: whoever stores it rewrites them. */
      readonly data: unknown;
      /** What this source knows of the node's one-line description. */
      readonly summary?: Partial<NodeSummary>;
      /** MACs of the machine that this source saw, with their addresses where it knows them. */
      readonly lookups?: readonly { readonly mac: Mac; readonly ip?: Ipv4 }[];
    }
  | { readonly ok: false; readonly reason: string };

/**
 * Makes a catalog of a command's output. The output comes from a machine that nobody trusts yet, so `parse` never
 * throws, and what it returns is bounded in size and depth.
 */
export interface Cataloger {
  /** The catalog's name, as RackHD's where RackHD has it. */
  readonly source: string;
  readonly parse: (output: string) => Parsed;
}

/** A catalog under construction. */
export type Section = Record<string, unknown>;

const maxCharacters = 16 * 1024 * 1024;
const maxLines = 200_000;
const maxDepth = 64;
/** Of the texts of a summary, which stands in every list of nodes. */
const maxSummaryText = 256;

export const refuse = (reason: string): Parsed => ({ ok: false, reason });

/** The lines of a command's output, without line ends; undefined where there are too many to look at. */
export function readLines(output: string): string[] | undefined {
  if (output.length > maxCharacters) return undefined;
  const lines = output.split(/\r?\n/, maxLines + 1);
  return lines.length > maxLines ? undefined : lines;
}

/** Reads JSON that is no deeper than what we can write again: a deep nest would overflow whoever walks it. */
export function readJson(output: string): { ok: true; value: unknown } | { ok: false; reason: string } {
  if (output.length > maxCharacters) return { ok: false, reason: 'the output is too large' };
  if (nesting(output) > maxDepth) return { ok: false, reason: `the JSON is nested deeper than ${maxDepth} levels` };
  try {
    return { ok: true, value: JSON.parse(output) as unknown };
  } catch {
    return { ok: false, reason: output.trim() === '' ? 'the command printed nothing' : 'the output is no JSON' };
  }
}

const quote = 0x22;
const backslash = 0x5c;
const opening: ReadonlySet<number> = new Set([0x5b, 0x7b]);
const closing: ReadonlySet<number> = new Set([0x5d, 0x7d]);

/** The deepest nesting of brackets outside strings; one pass, so that no text makes it slow. */
function nesting(json: string): number {
  let depth = 0;
  let deepest = 0;
  let inString = false;
  for (let at = 0; at < json.length; at += 1) {
    const code = json.charCodeAt(at);
    if (code === quote) inString = !inString;
    else if (inString) at += code === backslash ? 1 : 0;
    else if (opening.has(code)) deepest = Math.max(deepest, ++depth);
    else if (closing.has(code)) depth -= 1;
  }
  return deepest;
}

/** Sets a key that came from outside: `__proto__` would be no key but the object's prototype. */
export function put(section: Section, key: string, value: unknown): void {
  if (key !== '__proto__') section[key] = value;
}

/** An own property; keys from outside may be called `constructor`. */
export const get = (section: Section, key: string): unknown => (Object.hasOwn(section, key) ? section[key] : undefined);

/** An own property's text; empty where it is no text. */
export function textOf(section: Section, key: string): string {
  const value = get(section, key);
  return typeof value === 'string' ? value : '';
}

/** Splits `key : value` at the first separator; a line without one is a key without a value. */
export function splitPair(line: string, separator: string | RegExp = ':'): [key: string, value: string] {
  const at = typeof separator === 'string' ? line.indexOf(separator) : line.search(separator);
  if (at < 0) return [line.trim(), ''];
  const length = typeof separator === 'string' ? separator.length : (separator.exec(line)?.[0].length ?? 1);
  return [line.slice(0, at).trim(), line.slice(at + length).trim()];
}

export const isSection = (value: unknown): value is Section =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The sections among whatever was there; a single one counts as a list of one. */
export const sections = (value: unknown): Section[] => (Array.isArray(value) ? value : [value]).filter(isSection);

/** Text, trimmed; undefined for what is empty or no text, and for what vendors write where nothing was filled in. */
export function known(value: unknown): string | undefined {
  if (typeof value !== 'string') return undefined;
  const text = value.slice(0, maxSummaryText).trim();
  return placeholders.test(text) ? undefined : text;
}
const placeholders =
  /^(|none|null|n\/a|not specified|not available|unknown|default string|to be filled by o\.?e\.?m\.?|system (manufacturer|product name|serial number)|0?123456789\d?|0+|\.+|x+)$/i;

/** A MAC of a machine: neither zero nor a group's address. */
export function machineMac(value: unknown): Mac | undefined {
  const mac = typeof value === 'string' ? parseMac(value) : undefined;
  if (mac === undefined || mac === '00:00:00:00:00:00') return undefined;
  return Number.parseInt(mac.slice(0, 2), 16) % 2 === 1 ? undefined : mac;
}

/** An object without its undefined members. */
export function compact<T extends object>(value: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(value).filter(([, member]) => member !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
}

import { readFileSync } from 'node:fs';
import { parse as parseYaml, YAMLError } from 'yaml';
import { z } from 'zod';
import { describeError, InputError, RackwrightError } from './errors.ts';
import { configSchema, type Config } from './config-schema.ts';

/**
 * Reads the configuration: YAML file, then environment, then flags; the later wins. The only reader of the environment.
 */

/** One option of the schema, under its three names. */
export interface Option {
  /** `admin.port` */
  readonly key: string;
  /** `RACKWRIGHT_ADMIN_PORT` */
  readonly variable: string;
  /** `--admin-port` */
  readonly flag: string;
  readonly description: string | undefined;
  readonly secret: boolean;
  readonly schema: z.ZodType;
}

/** A configuration with the source of each value (`key -> 'default' | 'FILE' | variable | flag`). */
export interface LoadedConfig {
  readonly config: Config;
  readonly sources: ReadonlyMap<string, string>;
}

export interface ConfigInput {
  readonly file?: string | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Flag name without dashes (`admin-port`) -> text. */
  readonly flags: Readonly<Record<string, string>>;
}

/** Variables that are ours but no options of the server. */
const otherVariables = new Set(['RACKWRIGHT_CONFIG', 'RACKWRIGHT_URL', 'RACKWRIGHT_LAB']);

/** The process's environment, for callers that only pass it on. */
export function environment(): Readonly<Record<string, string | undefined>> & { readonly RACKWRIGHT_CONFIG?: string } {
  return process.env;
}

/** Every option, in the schema's order. */
export function configOptions(): readonly Option[] {
  return leaves(configSchema, []);
}

/**
 * Loads and checks a configuration. Throws an InputError whose message names the key, where its value came from, and
 * what was expected.
 */
export function loadConfig(input: ConfigInput): LoadedConfig {
  const options = configOptions();
  const values: Record<string, unknown> = {};
  const sources = new Map<string, string>();
  if (input.file !== undefined) {
    for (const [key, value] of flatten(readYaml(input.file), options))
      put(values, sources, { key, value, source: input.file });
  }
  const byVariable = new Map(options.map((option) => [option.variable, option]));
  for (const [name, text] of Object.entries(input.env)) {
    if (!name.startsWith('RACKWRIGHT_') || otherVariables.has(name) || text === undefined) continue;
    const option = byVariable.get(name);
    if (!option)
      throw new InputError(name, 'is not an option (environment); `rackwright config sample` lists all options');
    put(values, sources, { key: option.key, value: fromText(option, text), source: name });
  }
  const byFlag = new Map(options.map((option) => [option.flag.slice(2), option]));
  for (const [name, text] of Object.entries(input.flags)) {
    const option = byFlag.get(name);
    if (!option) throw new InputError(`--${name}`, 'is not an option; `rackwright config sample` lists all options');
    put(values, sources, { key: option.key, value: fromText(option, text), source: option.flag });
  }
  const parsed = configSchema.safeParse(values);
  if (!parsed.success) throw asInputError(parsed.error, sources);
  return { config: parsed.data, sources };
}

/** Value of a dotted key. */
export function valueAt(config: unknown, key: string): unknown {
  return key.split('.').reduce<unknown>((value, part) => (isObject(value) ? value[part] : undefined), config);
}

function readYaml(file: string): unknown {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (cause) {
    throw new RackwrightError('config', `cannot read the configuration file ${file}`, { cause });
  }
  try {
    // Pretty errors quote the line, which may hold a password.
    return parseYaml(text, { prettyErrors: false }) ?? {};
  } catch (error) {
    throw new RackwrightError('config', `${file} is not YAML: ${yamlProblem(error, text)}`);
  }
}

/** What is wrong, and in which line; no word of the file itself. */
function yamlProblem(error: unknown, text: string): string {
  if (!(error instanceof YAMLError)) return describeError(error);
  const line = text.slice(0, error.pos[0]).split('\n').length;
  return `${error.code.toLowerCase().replaceAll('_', ' ')} at line ${line}`;
}

function put(
  values: Record<string, unknown>,
  sources: Map<string, string>,
  entry: { key: string; value: unknown; source: string },
): void {
  const parts = entry.key.split('.');
  const last = parts.pop() ?? '';
  let target = values;
  for (const part of parts) {
    const inner = target[part];
    target = isObject(inner) ? inner : (target[part] = {});
  }
  target[last] = entry.value;
  sources.set(entry.key, entry.source);
}

/** The file's values as pairs of option key and value; keys that are no options stay, for the schema to refuse. */
function flatten(document: unknown, options: readonly Option[]): [string, unknown][] {
  const keys = new Set(options.map((option) => option.key));
  const sections = new Set(options.map((option) => option.key.split('.')[0]));
  const walk = (value: unknown, path: string[]): [string, unknown][] =>
    value === null && sections.has(path.join('.')) && !keys.has(path.join('.'))
      ? []
      : isObject(value) && !keys.has(path.join('.'))
        ? Object.entries(value).flatMap(([key, inner]) => walk(inner, [...path, key]))
        : [[path.join('.'), value]];
  if (!isObject(document)) throw new InputError('configuration file', 'expected a mapping of options');
  return Object.entries(document).flatMap(([key, value]) => walk(value, [key]));
}

/** Text of a flag or variable as a value: text options take it as it is, all others as YAML (`[a, b]`, `true`, `9090`). */
function fromText(option: Option, text: string): unknown {
  if (option.schema.safeParse(text).success) return text;
  try {
    const value: unknown = parseYaml(text);
    const wantsList = unwrap(option.schema) instanceof z.ZodArray;
    if (wantsList && typeof value === 'string') return value.split(/[\s,]+/).filter((word) => word !== '');
    return value;
  } catch {
    return text;
  }
}

function asInputError(error: z.ZodError, sources: ReadonlyMap<string, string>): InputError {
  const lines = error.issues.map((issue) => {
    const unknown = issue.code === 'unrecognized_keys' ? issue.keys : [undefined];
    return unknown.map((name) => {
      const key = formatPath(name === undefined ? issue.path : [...issue.path, name]);
      const source = sourceOf(key, sources);
      const problem =
        name === undefined ? issue.message : 'is not an option; `rackwright config sample` lists all options';
      return `${key}${source === undefined ? '' : ` (from ${source})`}: ${problem}`;
    });
  });
  const [first = 'configuration', ...rest] = lines.flat();
  const colon = first.indexOf(': ');
  return new InputError(first.slice(0, colon), [first.slice(colon + 2), ...rest].join('\n'));
}

function sourceOf(key: string, sources: ReadonlyMap<string, string>): string | undefined {
  const hit = [...sources].find(([name]) => name === key || key.startsWith(`${name}.`) || key.startsWith(`${name}[`));
  return hit?.[1] ?? [...sources].find(([name]) => name.startsWith(`${key}.`))?.[1];
}

function formatPath(path: readonly PropertyKey[]): string {
  return path
    .map((part, i) => (typeof part === 'number' ? `[${part}]` : `${i === 0 ? '' : '.'}${String(part)}`))
    .join('');
}

function leaves(schema: z.ZodType, path: readonly string[]): Option[] {
  const inner = unwrap(schema);
  if (inner instanceof z.ZodObject && path.length < 2) {
    return Object.entries(inner.shape).flatMap(([key, value]) => leaves(value as z.ZodType, [...path, key]));
  }
  const words = path.map((part) => part.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`));
  return [
    {
      key: path.join('.'),
      variable: `RACKWRIGHT_${words.join('_').replaceAll('-', '_').toUpperCase()}`,
      flag: `--${words.join('-')}`,
      description: describe(schema),
      secret: secretOf(schema),
      schema,
    },
  ];
}

function unwrap(schema: z.ZodType): z.ZodType {
  if (schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault || schema instanceof z.ZodOptional) {
    return unwrap(schema.unwrap() as z.ZodType);
  }
  return schema;
}

function describe(schema: z.ZodType): string | undefined {
  if (schema.description !== undefined) return schema.description;
  const inner = unwrap(schema);
  return inner === schema ? undefined : inner.description;
}

function secretOf(schema: z.ZodType): boolean {
  return (schema.meta() as { secret?: boolean } | undefined)?.secret === true;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

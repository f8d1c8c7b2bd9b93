import { z } from 'zod';
import type { Obm } from '../../model/records.ts';
import type { ObmService } from '../../obm/driver.ts';
import { ipmiService } from '../../obm/ipmi.ts';
import { noopService } from '../../obm/noop.ts';
import type { Store } from '../../store/collections.ts';
import { modify } from '../../store/modify.ts';
import { isSecretKey } from '../secrets.ts';

/** The OBM services of this version. */
const services: readonly ObmService[] = [ipmiService, noopService];

export const serviceNames: readonly string[] = services.map(({ name }) => name);

/** RackHD's form of a service's definition; undefined for an unknown service. `.json` may follow the name. */
export function serviceDefinition(name: string): Record<string, unknown> | undefined {
  const title = name.replace(/\.json$/, '');
  const service = serviceByName(title);
  if (service === undefined) return undefined;
  const config = z.toJSONSchema(service.config, { io: 'input', unrepresentable: 'any' });
  const properties = { nodeId: { type: 'string' }, service: { type: 'string' }, config };
  return {
    title,
    description: service.title,
    definitions: {
      ObmBase: { type: 'object', additionalProperties: false, properties },
      Obm: { allOf: [{ $ref: '#/definitions/ObmBase' }, { required: ['nodeId', 'service', 'config'] }] },
    },
  };
}

export type ObmResult =
  | { readonly ok: true; readonly obm: Obm }
  | { readonly ok: false; readonly message: string };

type Seal = (plain: string) => string;
type Config = Readonly<Record<string, unknown>>;

interface ObmDeps {
  readonly store: Store;
  readonly seal: Seal;
}

/** Stores the settings of a node's service, in place of those it had; secrets are sealed first. */
export async function putObmSettings(
  { store, seal }: ObmDeps,
  nodeId: string,
  { service, config }: { service: string; config: Config },
): Promise<ObmResult> {
  const fault = configFault(service, config, Object.keys(config));
  if (fault !== undefined) return { ok: false, message: fault };
  const key = `${nodeId}|${service}`;
  const sealed = sealConfig(seal, service, config);
  const inserted = await store.obms.insert({ nodeId, service, config: sealed, key });
  if (inserted.ok) return { ok: true, obm: inserted.document };
  const [existing] = (await store.obms.find({ where: { key }, limit: 1 })).items;
  const changed = existing && (await modify(store.obms, existing.id, (obm) => ({ ...obm, config: sealed })));
  // Somebody deleted it between the two: the next try inserts.
  return changed?.ok === true ? { ok: true, obm: changed.document } : putObmSettings({ store, seal }, nodeId, { service, config });
}

/**
 * Changes the given keys of `config` and keeps the others: a client never sees the password, so what it sends back
 * lacks it. Undefined: there are no such settings.
 */
export async function patchObmSettings(
  { store, seal }: ObmDeps,
  id: string,
  config: Config,
): Promise<ObmResult | undefined> {
  const existing = await store.obms.get(id);
  if (existing === undefined) return undefined;
  const fault = configFault(existing.service, { ...existing.config, ...config }, Object.keys(config));
  if (fault !== undefined) return { ok: false, message: fault };
  const sealed = sealConfig(seal, existing.service, config);
  const changed = await modify(store.obms, id, (obm) => ({ ...obm, config: { ...obm.config, ...sealed } }));
  return changed.ok ? { ok: true, obm: changed.document } : undefined;
}

function serviceByName(name: string): ObmService | undefined {
  return services.find((service) => service.name === name);
}

/** What is wrong with the `given` keys of a whole `config`; the other keys were right when they were stored. */
function configFault(service: string, config: unknown, given: readonly string[]): string | undefined {
  const schema = serviceByName(service)?.config;
  if (schema === undefined) return `service: must be one of ${serviceNames.join(', ')}, got '${service}'`;
  const issues = schema.safeParse(config).error?.issues ?? [];
  const faults = issues
    .filter(({ path, code }) => given.includes(String(path[0])) || code === 'invalid_type')
    .map(({ path, message }) => `config.${path.join('.')}: ${message}`);
  return faults.length === 0 ? undefined : faults.join('; ');
}

function sealConfig(seal: Seal, service: string, config: Config): Config {
  const secrets = new Set(serviceByName(service)?.secrets);
  return sealObject(seal, config, (key) => secrets.has(key) || isSecretKey(key));
}

function sealObject(seal: Seal, value: Config, isSecret: (key: string) => boolean): Config {
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, sealValue(seal, key, inner, isSecret)]));
}

function sealValue(seal: Seal, key: string, value: unknown, isSecret: (key: string) => boolean): unknown {
  if (value === null || value === undefined) return value;
  if (isSecret(key)) return seal(typeof value === 'string' ? value : JSON.stringify(value));
  if (Array.isArray(value)) return value.map((item) => sealValue(seal, '', item, isSecret));
  return typeof value === 'object' ? sealObject(seal, value as Config, isSecret) : value;
}

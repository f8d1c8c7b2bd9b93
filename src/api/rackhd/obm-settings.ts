import { z } from 'zod';
import type { Obm } from '../../model/records.ts';
import type { Store } from '../../store/collections.ts';
import { modify } from '../../store/modify.ts';
import { isSecretKey } from '../secrets.ts';

const ipmiConfig = z.looseObject({
  host: z.string().min(1).describe('BMC address, or its MAC'),
  user: z.string().describe('IPMI username'),
  password: z.string().describe('IPMI password'),
});

/** The OBM services of this version, each with what its `config` must have. */
const services: Readonly<Record<string, z.ZodType>> = {
  'ipmi-obm-service': ipmiConfig,
  'noop-obm-service': z.looseObject({}),
};

export const serviceNames: readonly string[] = Object.keys(services);

/** RackHD's form of a service's definition; undefined for an unknown service. `.json` may follow the name. */
export function serviceDefinition(name: string): Record<string, unknown> | undefined {
  const title = name.replace(/\.json$/, '');
  const config = Object.hasOwn(services, title) ? services[title] : undefined;
  if (config === undefined) return undefined;
  const properties = { nodeId: { type: 'string' }, service: { type: 'string' }, config: z.toJSONSchema(config) };
  return {
    title,
    definitions: {
      ObmBase: { type: 'object', additionalProperties: false, properties },
      Obm: { allOf: [{ $ref: '#/definitions/ObmBase' }, { required: ['nodeId', 'service', 'config'] }] },
    },
  };
}

export type ObmResult =
  | { readonly ok: true; readonly obm: Obm }
  | { readonly ok: false; readonly message: string };

interface ObmDeps {
  readonly store: Store;
  readonly seal: (plain: string) => string;
}

/** Stores the settings of a node's service, in place of those it had; secrets are sealed first. */
export async function putObmSettings(
  { store, seal }: ObmDeps,
  nodeId: string,
  { service, config }: { service: string; config: Readonly<Record<string, unknown>> },
): Promise<ObmResult> {
  const fault = configFault(service, config);
  if (fault !== undefined) return { ok: false, message: fault };
  const key = `${nodeId}|${service}`;
  const sealed = sealConfig(seal, config);
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
  config: Readonly<Record<string, unknown>>,
): Promise<ObmResult | undefined> {
  const existing = await store.obms.get(id);
  if (existing === undefined) return undefined;
  const fault = configFault(existing.service, { ...existing.config, ...config });
  if (fault !== undefined) return { ok: false, message: fault };
  const sealed = sealConfig(seal, config);
  const changed = await modify(store.obms, id, (obm) => ({ ...obm, config: { ...obm.config, ...sealed } }));
  return changed.ok ? { ok: true, obm: changed.document } : undefined;
}

function configFault(service: string, config: unknown): string | undefined {
  const schema = Object.hasOwn(services, service) ? services[service] : undefined;
  if (schema === undefined) return `service: must be one of ${serviceNames.join(', ')}, got '${service}'`;
  const result = schema.safeParse(config);
  return result.error?.issues.map(({ path, message }) => `config.${path.join('.')}: ${message}`).join('; ');
}

function sealConfig(seal: (plain: string) => string, value: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, sealValue(seal, key, inner)]));
}

function sealValue(seal: (plain: string) => string, key: string, value: unknown): unknown {
  if (value === null || value === undefined) return value;
  if (isSecretKey(key)) return seal(typeof value === 'string' ? value : JSON.stringify(value));
  if (Array.isArray(value)) return value.map((item) => sealValue(seal, '', item));
  return typeof value === 'object' ? sealConfig(seal, value as Record<string, unknown>) : value;
}

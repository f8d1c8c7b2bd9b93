import { z } from 'zod';
import type { Obm } from '../../model/records.ts';
import { checkObmConfig, obmServices, openObmConfig, sealObmConfig } from '../../obm/registry.ts';
import type { Sealer } from '../../secrets/seal.ts';
import type { Store } from '../../store/collections.ts';
import { modify } from '../../store/modify.ts';
import { isSecretKey } from '../secrets.ts';

export const serviceNames: readonly string[] = obmServices.map(({ name }) => name);

/** RackHD's form of a service's definition; undefined for an unknown service. `.json` may follow the name. */
export function serviceDefinition(name: string): Record<string, unknown> | undefined {
  const service = obmServices.find((one) => one.name === name.replace(/\.json$/, ''));
  if (service === undefined) return undefined;
  const config = z.toJSONSchema(service.config, { io: 'input', unrepresentable: 'any' });
  const properties = { nodeId: { type: 'string' }, service: { type: 'string' }, config };
  return {
    title: service.name,
    description: service.title,
    definitions: {
      ObmBase: { type: 'object', additionalProperties: false, properties },
      Obm: { allOf: [{ $ref: '#/definitions/ObmBase' }, { required: ['nodeId', 'service', 'config'] }] },
    },
  };
}

export type ObmResult = { readonly ok: true; readonly obm: Obm } | { readonly ok: false; readonly message: string };

type Config = Readonly<Record<string, unknown>>;

interface ObmDeps {
  readonly store: Store;
  readonly sealer: Sealer;
}

/** Stores the settings of a node's service, in place of those it had; secrets are sealed first. */
export async function putObmSettings(
  deps: ObmDeps,
  nodeId: string,
  { service, config }: { readonly service: string; readonly config: Config },
): Promise<ObmResult> {
  const { store } = deps;
  const checked = checkObmConfig(service, config);
  if (!checked.ok) return checked;
  const key = `${nodeId}|${service}`;
  const sealed = sealAll(deps.sealer, service, checked.config);
  const inserted = await store.obms.insert({ nodeId, service, config: sealed, key });
  if (inserted.ok) return { ok: true, obm: inserted.document };
  const [existing] = (await store.obms.find({ where: { key }, limit: 1 })).items;
  const changed = existing && (await modify(store.obms, existing.id, (obm) => ({ ...obm, config: sealed })));
  // Somebody deleted it between the two: the next try inserts.
  return changed?.ok === true ? { ok: true, obm: changed.document } : putObmSettings(deps, nodeId, { service, config });
}

/**
 * Changes the given keys of `config` and keeps the others: a client never sees the password, so what it sends back
 * lacks it. Undefined: there are no such settings.
 */
export async function patchObmSettings(
  { store, sealer }: ObmDeps,
  id: string,
  config: Config,
): Promise<ObmResult | undefined> {
  const existing = await store.obms.get(id);
  if (existing === undefined) return undefined;
  const { service } = existing;
  const checked = checkObmConfig(service, { ...openObmConfig(service, existing.config, sealer), ...config });
  if (!checked.ok) return checked;
  const sealed = sealAll(sealer, service, config);
  const changed = await modify(store.obms, id, (obm) => ({ ...obm, config: { ...obm.config, ...sealed } }));
  return changed.ok ? { ok: true, obm: changed.document } : undefined;
}

/** Seals the service's own secrets, and what a client put beside them under the name of a secret. */
function sealAll(sealer: Sealer, service: string, config: Config): Config {
  const own = obmServices.find(({ name }) => name === service)?.secrets ?? [];
  const rest = Object.entries(config).filter(
    ([key, value]) => !own.includes(key) && isSecretKey(key) && value !== null,
  );
  const sealedRest = rest.map(([key, value]): [string, string] => [key, sealer.seal(JSON.stringify(value))]);
  return { ...sealObmConfig(service, config, sealer), ...Object.fromEntries(sealedRest) };
}

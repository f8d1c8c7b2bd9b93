import type { Sealer } from '../secrets/seal.ts';
import { isSealed } from '../secrets/seal.ts';
import type { ObmAction, ObmDriver, ObmResult, ObmService } from './driver.ts';
import { createIpmiDriver, ipmiService } from './ipmi.ts';
import { createNoopDriver, noopService } from './noop.ts';
import type { RunCommand } from './run-command.ts';

/** Every kind of controller. A node with several is driven by the one that stands first here. */
export const obmServices: readonly ObmService[] = [ipmiService, noopService];

/** A driver whose settings were forgotten by the type: they are parsed by its own schema before it is called. */
export interface BoundDriver {
  readonly service: ObmService;
  /** Reads settings and answers what can be done with them, or what is wrong with them. */
  bind(config: unknown): BoundObm | { readonly ok: false; readonly message: string };
}

/** One node's controller, ready to be asked. */
export interface BoundObm {
  readonly ok: true;
  readonly host: string | undefined;
  /** `address`: where `host` was found. */
  act(address: string, action: ObmAction, signal: AbortSignal): Promise<ObmResult>;
}

/** The drivers of all services, in their order. */
export function createDrivers(run: RunCommand): readonly BoundDriver[] {
  return [boundDriver(createIpmiDriver(run)), boundDriver(createNoopDriver())];
}

function boundDriver<Config>(driver: ObmDriver<Config>): BoundDriver {
  return {
    service: driver.service,
    bind(config) {
      const parsed = driver.service.config.safeParse(config);
      if (!parsed.success) return { ok: false, message: describeIssues(parsed.error.issues) };
      const settings = parsed.data;
      return {
        ok: true,
        host: driver.host(settings),
        act: (address, action, signal) => driver.act({ ...settings, host: address }, action, signal),
      };
    },
  };
}

/** Settings as they come from a client, checked: plain, with the service's own form. */
export function checkObmConfig(
  service: string,
  config: unknown,
):
  | { readonly ok: true; readonly config: Readonly<Record<string, unknown>> }
  | { readonly ok: false; readonly message: string } {
  const found = obmServices.find(({ name }) => name === service);
  if (!found) return { ok: false, message: `no such OBM service: ${service}` };
  const parsed = found.config.safeParse(config);
  if (!parsed.success) return { ok: false, message: describeIssues(parsed.error.issues) };
  return { ok: true, config: parsed.data };
}

/** Settings as the store keeps them: secrets sealed. Those that are sealed already stay as they are. */
export function sealObmConfig(
  service: string,
  config: Readonly<Record<string, unknown>>,
  sealer: Sealer,
): Record<string, unknown> {
  return mapSecrets(service, config, (secret) => (isSealed(secret) ? secret : sealer.seal(secret)));
}

/** Settings as a driver takes them: secrets opened. Throws as `Sealer.open`. */
export function openObmConfig(
  service: string,
  config: Readonly<Record<string, unknown>>,
  sealer: Sealer,
): Record<string, unknown> {
  return mapSecrets(service, config, (secret) => (isSealed(secret) ? sealer.open(secret) : secret));
}

/** Settings as a client may see them: without secrets. */
export function publicObmConfig(service: string, config: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const secrets = secretsOf(service);
  return Object.fromEntries(Object.entries(config).filter(([key]) => !secrets.includes(key)));
}

function secretsOf(service: string): readonly string[] {
  return obmServices.find(({ name }) => name === service)?.secrets ?? [];
}

function mapSecrets(
  service: string,
  config: Readonly<Record<string, unknown>>,
  change: (secret: string) => string,
): Record<string, unknown> {
  const secrets = secretsOf(service);
  return Object.fromEntries(
    Object.entries(config).map(([key, value]) => [
      key,
      secrets.includes(key) && typeof value === 'string' ? change(value) : value,
    ]),
  );
}

function describeIssues(
  issues: readonly { readonly path: readonly PropertyKey[]; readonly message: string }[],
): string {
  return issues.map(({ path, message }) => `config.${path.map(String).join('.')}: ${message}`).join('; ');
}

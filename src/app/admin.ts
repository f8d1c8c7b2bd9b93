import { isIP } from 'node:net';
import { createApi } from '../api/app.ts';
import type { ApiDeps, Health } from '../api/deps.ts';
import type { Config } from '../config-schema.ts';
import { describeError, InputError } from '../errors.ts';
import { createListener, type ListenAddress } from '../http/listener.ts';
import type { Role } from '../model/role.ts';
import { endsWithin } from '../net/ends-within.ts';
import { adminIdentity } from './admin-tls.ts';
import { createMetrics } from './metrics.ts';
import { isSouthboundPeer, type Southbound } from './network.ts';
import { rackhdConfig } from './rackhd-config.ts';
import { listenerRole } from './roles.ts';
import type { Foundation } from './foundation.ts';

interface AdminDeps {
  readonly config: Config;
  readonly version: string;
  readonly foundation: Foundation;
  readonly southbound: Southbound | undefined;
  readonly parts: Pick<ApiDeps, 'engine' | 'obm' | 'definitions' | 'why' | 'images'>;
  /** What else must be well for the server to be well: name -> check that rejects. */
  readonly checks: Readonly<Record<string, () => Promise<void>>>;
}

/** Throws an InputError where the API would be reachable by others without anybody having said so. */
export function checkAdmin({ admin }: Config): void {
  const loopback = admin.address === 'localhost' || admin.address === '::1' || admin.address.startsWith('127.');
  if (!loopback && admin.auth !== 'none') {
    throw new InputError(
      'admin.address',
      `${admin.address} is not loopback, and nobody would have to log in: set admin.auth to none if that is meant`,
    );
  }
  if ((admin.tlsCert === undefined) !== (admin.tlsKey === undefined)) {
    throw new InputError('admin.tlsCert', 'expected admin.tlsKey as well, or neither of them');
  }
  if (isIP(admin.address) === 0 && admin.address !== 'localhost') {
    throw new InputError('admin.address', `expected an IP address to listen on, got '${admin.address}'`);
  }
}

/** The admin listener: refuses every peer of the boot network, on every address of the server. */
export function createAdminRole({ config, version, foundation, southbound, parts, checks }: AdminDeps): Role {
  const { store, facts, log, now, sealer } = foundation;
  const draining = new AbortController();
  const metrics = createMetrics({ store, facts });
  const handler = createApi(
    {
      store,
      ...parts,
      sealer,
      facts,
      configView: () => rackhdConfig(config, southbound),
      metrics: metrics.text,
      health: () => checkHealth({ store: foundation.ping, ...checks }),
      log,
      now,
      draining: draining.signal,
    },
    { version, hosts: config.admin.hosts },
  );
  const socket: ListenAddress[] = config.admin.socket === undefined ? [] : [{ socketPath: config.admin.socket }];
  const { address, tlsPort } = config.admin;
  const identity = () => adminIdentity({ admin: config.admin, dataDir: foundation.dataDir, log, now });
  const tls: ListenAddress[] = tlsPort === undefined ? [] : [{ address, port: tlsPort, tls: identity }];
  const listener = createListener({
    name: 'admin',
    handler,
    addresses: [{ address: config.admin.address, port: config.admin.port }, ...tls, ...socket],
    admit: (peer) => !isSouthboundPeer(southbound, peer),
    log,
    // An image takes as long as it takes; a client that sends nothing is still cut.
    limits: { requestMs: 0 },
  });
  const stopMetrics = {
    start: () => undefined,
    stop: () => {
      metrics.stop();
      return Promise.resolve();
    },
  };
  return listenerRole({ name: 'api', listener, draining, beside: [stopMetrics] });
}

/** A store or Redis that hangs is not well, and must not make who asks wait. */
const checkMs = 5_000;

async function checkHealth(checks: Readonly<Record<string, () => Promise<void>>>): Promise<Health> {
  const parts = await Promise.all(
    Object.entries(checks).map(async ([name, check]): Promise<[string, Health['parts'][string]]> => {
      try {
        if (await endsWithin(check(), checkMs)) return [name, { ok: true }];
        return [name, { ok: false, detail: `no answer within ${checkMs / 1000} s` }];
      } catch (error) {
        return [name, { ok: false, detail: describeError(error) }];
      }
    }),
  );
  return { ok: parts.every(([, part]) => part.ok), parts: Object.fromEntries(parts) };
}

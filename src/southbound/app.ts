import type { RequestListener } from 'node:http';
import { createHttpApp, type HttpAppOptions } from '../http/app.ts';
import { createRouter } from '../http/router.ts';
import type { Route } from '../http/route.ts';
import type { SouthboundDeps } from './deps.ts';
import { agentRoutes } from './routes/agent.ts';
import { deployRoutes } from './routes/deploy.ts';
import { fileRoutes } from './routes/files.ts';
import { identityRoutes } from './routes/identity.ts';
import { scriptRoutes } from './routes/script.ts';

/** Every route that nodes can reach; docs/ports.md lists them from here. */
export function southboundRoutes(deps: SouthboundDeps): Route[] {
  return [
    ...scriptRoutes(deps),
    ...identityRoutes(deps),
    ...fileRoutes(deps),
    ...agentRoutes(deps),
    ...deployRoutes(deps),
  ];
}

/** The request handler of the southbound listener. */
export function createSouthbound(
  deps: SouthboundDeps,
  { draining, ...options }: HttpAppOptions & { readonly draining: AbortSignal },
): RequestListener {
  return createHttpApp([{ handler: createRouter(southboundRoutes(deps), { log: deps.log, draining }) }], options);
}

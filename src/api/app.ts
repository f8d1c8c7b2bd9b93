import type { RequestListener } from 'node:http';
import type { RequestHandler } from 'express';
import { createHttpApp } from '../http/app.ts';
import { createGuard } from '../http/guard.ts';
import { openapiDocument, type OpenApiDocument } from '../http/openapi.ts';
import { createRouter } from '../http/router.ts';
import { defineRoute, type Route } from '../http/route.ts';
import { authNone } from './auth/none.ts';
import type { ApiDeps } from './deps.ts';
import { formatRackhdError } from './rackhd/form.ts';
import { rackhdRoutes } from './rackhd/routes/index.ts';
import { basePath } from './rackhd/views.ts';
import { deployRoutes } from './routes/deploy.ts';
import { eventsRoutes } from './routes/events.ts';
import { imageUploadsRoutes } from './routes/image-uploads.ts';
import { imagesRoutes } from './routes/images.ts';
import { leasesRoutes } from './routes/leases.ts';
import { nodeMoveRoutes } from './routes/node-moves.ts';
import { nodesRoutes } from './routes/nodes.ts';
import { operationsRoutes } from './routes/operations.ts';
import { powerRoutes } from './routes/power.ts';
import { systemRoutes } from './routes/system.ts';
import { timelineRoutes } from './routes/timeline.ts';

export interface ApiOptions {
  /** Names under which the listener may be called, besides `localhost` and plain addresses. */
  readonly hosts?: readonly string[];
  /** Other origins whose pages may call us. */
  readonly origins?: readonly string[];
  /** Decides who asks; `admin.auth: none` if absent. */
  readonly auth?: RequestHandler;
  readonly version: string;
}

/** Where RackHD's API is found; `/api/current` is what its own clients use. */
const rackhdMounts = [basePath, '/api/current'] as const;

/** Every route of our own, by the paths that clients ask for. */
function ownRoutes(deps: ApiDeps): Route[] {
  return [
    ...nodesRoutes(deps),
    ...nodeMoveRoutes(deps),
    ...timelineRoutes(deps),
    ...powerRoutes(deps),
    ...deployRoutes(deps),
    ...operationsRoutes(deps),
    ...leasesRoutes(deps),
    ...imagesRoutes(deps),
    ...imageUploadsRoutes(deps),
    ...eventsRoutes(deps),
    ...systemRoutes(deps),
  ];
}

/** The admin listener's request handler: our own API, RackHD's beside it, and what describes and watches both. */
export function createApi(deps: ApiDeps, options: ApiOptions): RequestListener {
  const rackhd = rackhdRoutes(deps);
  const own = [...ownRoutes(deps)];
  const described = describe([...own, ...rackhd.map(underBasePath)], options.version);
  const draining = deps.draining === undefined ? {} : { draining: deps.draining };
  const rackhdRouter = createRouter(rackhd, { log: deps.log, formatProblem: formatRackhdError, ...draining });
  return createHttpApp([
    { handler: createGuard({ hosts: options.hosts ?? [], origins: options.origins ?? [] }) },
    { handler: options.auth ?? authNone },
    ...rackhdMounts.map((path) => ({ path, handler: rackhdRouter })),
    { handler: createRouter([...own, described.route], { log: deps.log, ...draining }) },
  ]);
}

function underBasePath(route: Route): Route {
  return { ...route, path: basePath + route.path };
}

/** `/openapi.json`, which lists itself. The document is made when it is first asked for. */
function describe(routes: readonly Route[], version: string): { readonly route: Route } {
  let document: OpenApiDocument | undefined;
  const route: Route = defineRoute({
    method: 'get',
    path: '/openapi.json',
    operationId: 'getOpenApi',
    summary: 'This API as an OpenAPI 3.1 document',
    tag: 'system',
    responses: { 200: 'The document' },
    handle: () => {
      document ??= openapiDocument([...routes, route], {
        title: 'Rackwright',
        version,
        description: `The admin API. Paths under ${basePath} are RackHD's API 2.0, also found under /api/current.`,
      });
      return { status: 200, json: document };
    },
  });
  return { route };
}

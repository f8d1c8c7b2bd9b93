import type { Route } from '../../../http/route.ts';
import type { ApiDeps } from '../../deps.ts';
import { catalogsRoutes } from './catalogs.ts';
import { configRoutes } from './config.ts';
import { libraryRoutes } from './library.ts';
import { lookupsRoutes } from './lookups.ts';
import { nodePartRoutes } from './node-parts.ts';
import { nodesRoutes } from './nodes.ts';
import { obmsRoutes } from './obms.ts';
import { workflowsRoutes } from './workflows.ts';

/**
 * Every operation of RackHD's API 2.0 that this version serves, by paths relative to `/api/2.0`. A path of fixed words
 * stands before one that would match it as a parameter.
 */
export function rackhdRoutes(deps: ApiDeps): Route[] {
  return [
    ...nodePartRoutes(deps),
    ...nodesRoutes(deps),
    ...catalogsRoutes(deps),
    ...lookupsRoutes(deps),
    ...obmsRoutes(deps),
    ...libraryRoutes(deps),
    ...workflowsRoutes(deps),
    ...configRoutes(deps),
  ];
}

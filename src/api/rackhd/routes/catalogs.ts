import { z } from 'zod';
import { defineRoute, type Route } from '../../../http/route.ts';
import type { ApiDeps } from '../../deps.ts';
import { streamArray } from '../../json-stream.ts';
import { eachPage, mapped } from '../../pages.ts';
import { notFound } from '../form.ts';
import { listQuery } from '../query.ts';
import { basePath, catalogView } from '../views.ts';

/** A catalog has no name but its source. */
const sortFields = { name: 'source', id: 'id', source: 'source', createdAt: 'createdAt' } as const;

/** RackHD's `/catalogs`. */
export function catalogsRoutes({ store }: ApiDeps): Route[] {
  return [
    defineRoute({
      method: 'get',
      path: '/catalogs',
      operationId: 'catalogsGet',
      summary: 'Get all catalogs',
      tag: basePath,
      query: listQuery({ rename: { node: 'nodeId' }, sort: Object.keys(sortFields) }),
      responses: { 200: 'Successfully retrieved a list of catalogs' },
      handle: ({ query: { where, sort } }) => {
        const field = sortFields[(sort?.field ?? 'id') as keyof typeof sortFields];
        const order = sort?.descending === true ? 'desc' : 'asc';
        return streamArray(mapped(eachPage(store.catalogs, { where, sort: { field, order } }, 50), catalogView));
      },
    }),
    defineRoute({
      method: 'get',
      path: '/catalogs/:identifier',
      operationId: 'catalogsIdGet',
      summary: 'Get a catalog',
      tag: basePath,
      params: z.object({ identifier: z.string() }),
      responses: { 200: 'Successfully retrieved the specified catalog', 404: 'The specified catalog was not found' },
      handle: async ({ params: { identifier } }) => {
        const catalog = await store.catalogs.get(identifier);
        return catalog === undefined
          ? notFound(`Could not find catalog with identifier ${identifier}`)
          : { status: 200, json: catalogView(catalog) };
      },
    }),
  ];
}

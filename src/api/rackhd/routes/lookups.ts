import { z } from 'zod';
import { defineRoute, type Route } from '../../../http/route.ts';
import { isIpv4 } from '../../../net/address.ts';
import { parseMac } from '../../../net/mac.ts';
import type { Filter } from '../../../store/repository.ts';
import { modify } from '../../../store/modify.ts';
import type { ApiDeps } from '../../deps.ts';
import { findAll } from '../../pages.ts';
import { present } from '../../present.ts';
import { patchLookup, postLookup } from '../bodies.ts';
import { badRequest, noContent, notFound } from '../form.ts';
import { basePath, lookupView } from '../views.ts';

const withId = z.object({ id: z.string() });

/** RackHD's `/lookups`: which node has which MAC and address. */
export function lookupsRoutes(deps: ApiDeps): Route[] {
  return [listLookups(deps), createLookup(deps), getLookup(deps), changeLookup(deps), deleteLookup(deps)];
}

function listLookups({ store }: ApiDeps): Route {
  return defineRoute({
    method: 'get',
    path: '/lookups',
    operationId: 'lookupsGet',
    summary: 'Get a list of lookups, all or those of a MAC, address or node',
    tag: basePath,
    query: z.looseObject({ q: z.string().optional() }),
    responses: { 200: 'Successfully retrieved the list of lookups' },
    handle: async ({ query: { q } }) => {
      const lookups = await findAll(store.lookups, { where: whereTerm(q) });
      return { status: 200, json: lookups.map(lookupView) };
    },
  });
}

function whereTerm(term: string | undefined): Filter {
  if (term === undefined || term === '') return {};
  const mac = parseMac(term);
  if (mac !== undefined) return { macAddress: mac };
  return isIpv4(term) ? { ipAddress: term } : { node: term };
}

function createLookup({ store }: ApiDeps): Route {
  return defineRoute({
    method: 'post',
    path: '/lookups',
    operationId: 'lookupsPost',
    summary: 'Post a lookup',
    tag: basePath,
    body: postLookup,
    responses: {
      201: 'Successfully created new lookup',
      400: 'The MAC has a lookup, or a value is not as it should be',
    },
    handle: async ({ body }) => {
      const inserted = await store.lookups.insert(present(body));
      return inserted.ok
        ? { status: 201, json: lookupView(inserted.document) }
        : badRequest(`There is a lookup for ${body.macAddress} already: change that one.`);
    },
  });
}

function getLookup({ store }: ApiDeps): Route {
  return defineRoute({
    method: 'get',
    path: '/lookups/:id',
    operationId: 'lookupsGetById',
    summary: 'Get a lookup',
    tag: basePath,
    params: withId,
    responses: { 200: 'Successfully retrieved the lookup', 404: 'The specified lookup was not found' },
    handle: async ({ params: { id } }) => {
      const lookup = await store.lookups.get(id);
      return lookup === undefined ? lookupNotFound(id) : { status: 200, json: lookupView(lookup) };
    },
  });
}

function changeLookup({ store }: ApiDeps): Route {
  return defineRoute({
    method: 'patch',
    path: '/lookups/:id',
    operationId: 'lookupsPatchById',
    summary: 'Patch a lookup',
    tag: basePath,
    params: withId,
    body: patchLookup,
    responses: { 200: 'Successfully modified the lookup', 404: 'The specified lookup was not found' },
    handle: async ({ params: { id }, body }) => {
      const changed = await modify(store.lookups, id, (lookup) => ({ ...lookup, ...present(body) }));
      if (changed.ok) return { status: 200, json: lookupView(changed.document) };
      return changed.reason === 'duplicate'
        ? badRequest('There is a lookup for this MAC already.')
        : lookupNotFound(id);
    },
  });
}

function deleteLookup({ store }: ApiDeps): Route {
  return defineRoute({
    method: 'delete',
    path: '/lookups/:id',
    operationId: 'lookupsDelById',
    summary: 'Delete a lookup',
    tag: basePath,
    params: withId,
    responses: { 204: 'Successfully deleted lookup', 404: 'The specified lookup was not found' },
    handle: async ({ params: { id } }) => ((await store.lookups.delete(id)) ? noContent : lookupNotFound(id)),
  });
}

const lookupNotFound = (id: string): ReturnType<typeof notFound> => notFound(`Could not find lookup with id ${id}`);

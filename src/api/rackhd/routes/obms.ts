import { z } from 'zod';
import { defineRoute, type Route, type RouteResponse } from '../../../http/route.ts';
import type { ApiDeps } from '../../deps.ts';
import { nodeById, nodeByIdentifier } from '../../find-node.ts';
import { findAll } from '../../pages.ts';
import { patchObm, postLed, putNodeObm, putObm } from '../bodies.ts';
import { badRequest, nodeNotFound, noContent, notFound } from '../form.ts';
import { patchObmSettings, putObmSettings, serviceDefinition, serviceNames, type ObmResult } from '../obm-settings.ts';
import { listQuery } from '../query.ts';
import { basePath, obmView } from '../views.ts';

const identified = z.object({ identifier: z.string() });
const obmsQuery = listQuery({ rename: { node: 'nodeId' } });

/** RackHD's `/obms`, `/obms/definitions` and `/nodes/:id/obm`: how a node's power is reached. */
export function obmsRoutes(deps: ApiDeps): Route[] {
  return [
    listObms(deps),
    putAnyObm(deps),
    listDefinitions(),
    getDefinition(),
    setLed(deps),
    getObm(deps),
    changeObm(deps),
    deleteObm(deps),
    nodeObms(deps),
    putObmOfNode(deps),
  ];
}

function listObms({ store }: ApiDeps): Route {
  return defineRoute({
    method: 'get',
    path: '/obms',
    operationId: 'obmsGet',
    summary: 'Get list of all OBM service instances',
    tag: basePath,
    query: obmsQuery,
    responses: { 200: 'Successfully retrieved the list of OBM service instances' },
    handle: async ({ query: { where } }) => {
      const obms = await findAll(store.obms, { where });
      return { status: 200, json: obms.map(obmView) };
    },
  });
}

function putAnyObm(deps: ApiDeps): Route {
  return defineRoute({
    method: 'put',
    path: '/obms',
    operationId: 'obmsPut',
    summary: 'Put an OBM service',
    tag: basePath,
    body: putObm,
    responses: { 201: 'Successfully put the OBM service', 404: 'The specified node was not found' },
    handle: async ({ body: { nodeId, service, config } }) => {
      const node = await nodeById(deps.store, nodeId);
      return node === undefined
        ? nodeNotFound(nodeId)
        : stored(await putObmSettings(deps, node.id, { service, config }));
    },
  });
}

function nodeObms({ store }: ApiDeps): Route {
  return defineRoute({
    method: 'get',
    path: '/nodes/:identifier/obm',
    operationId: 'nodesGetObmsByNodeId',
    summary: 'Get all OBM services of a node',
    tag: basePath,
    params: identified,
    responses: { 200: 'Successfully retrieved the OBM services', 404: 'The specified node was not found' },
    handle: async ({ params: { identifier } }) => {
      const node = await nodeByIdentifier(store, identifier);
      if (node === undefined) return nodeNotFound(identifier);
      const { items } = await store.obms.find({ where: { nodeId: node.id } });
      return { status: 200, json: items.map(obmView) };
    },
  });
}

function putObmOfNode(deps: ApiDeps): Route {
  return defineRoute({
    method: 'put',
    path: '/nodes/:identifier/obm',
    operationId: 'nodesPutObmsByNodeId',
    summary: 'Put an OBM service of a node',
    tag: basePath,
    params: identified,
    body: putNodeObm,
    responses: { 201: 'Successfully put the OBM service', 404: 'The specified node was not found' },
    handle: async ({ params: { identifier }, body: { service, config } }) => {
      const node = await nodeByIdentifier(deps.store, identifier);
      return node === undefined
        ? nodeNotFound(identifier)
        : stored(await putObmSettings(deps, node.id, { service, config }));
    },
  });
}

function stored(result: ObmResult): RouteResponse {
  return result.ok ? { status: 201, json: obmView(result.obm) } : badRequest(result.message);
}

function listDefinitions(): Route {
  return defineRoute({
    method: 'get',
    path: '/obms/definitions',
    operationId: 'obmsDefinitionsGetAll',
    summary: 'Get list of OBM services',
    tag: basePath,
    responses: { 200: 'Successfully retrieved a list of OBM schemas' },
    handle: () => ({ status: 200, json: serviceNames.map((name) => `${basePath}/obms/definitions/${name}.json`) }),
  });
}

function getDefinition(): Route {
  return defineRoute({
    method: 'get',
    path: '/obms/definitions/:name',
    operationId: 'obmsDefinitionsGetByName',
    summary: 'Get an OBM service definition',
    tag: basePath,
    params: z.object({ name: z.string() }),
    responses: { 200: 'Successfully retrieved the specified OBM schema', 404: 'There is no such service' },
    handle: ({ params: { name } }) => {
      const definition = serviceDefinition(name);
      return definition === undefined
        ? notFound(`${basePath}/obms/definitions/${name} Not Found`)
        : { status: 200, json: definition };
    },
  });
}

/** How long a BMC may take to switch its light. */
const ledDeadlineMs = 20_000;

function setLed({ store, obm }: ApiDeps): Route {
  return defineRoute({
    method: 'post',
    path: '/obms/led',
    operationId: 'obmsPostLed',
    summary: 'Set identify light status',
    tag: basePath,
    body: postLed,
    responses: { 201: 'OBM settings accepted', 404: 'There is no such node, or it has no OBM settings' },
    handle: async ({ body: { nodeId, value }, signal }) => {
      const node = await nodeById(store, nodeId);
      if (node === undefined) return nodeNotFound(nodeId);
      const deadline = AbortSignal.any([signal, AbortSignal.timeout(ledDeadlineMs)]);
      const result = await obm.act(node.id, value === true ? 'identifyOn' : 'identifyOff', deadline);
      if (result.ok) return { status: 201, json: {} };
      return result.reason === 'no-obm' ? notFound(`No OBM Settings Found (${nodeId}).`) : badRequest(result.message);
    },
  });
}

function getObm({ store }: ApiDeps): Route {
  return defineRoute({
    method: 'get',
    path: '/obms/:identifier',
    operationId: 'obmsGetById',
    summary: 'Get an OBM service',
    tag: basePath,
    params: identified,
    responses: { 200: 'Successfully retrieved the specified OBM service', 404: 'There are no such settings' },
    handle: async ({ params: { identifier } }) => {
      const obm = await store.obms.get(identifier);
      return obm === undefined ? obmNotFound(identifier) : { status: 200, json: obmView(obm) };
    },
  });
}

function changeObm(deps: ApiDeps): Route {
  return defineRoute({
    method: 'patch',
    path: '/obms/:identifier',
    operationId: 'obmsPatchById',
    summary: 'Patch OBM settings',
    tag: basePath,
    params: identified,
    body: patchObm,
    responses: { 200: 'Successfully patched the specified OBM settings', 404: 'There are no such settings' },
    handle: async ({ params: { identifier }, body: { config = {} } }) => {
      const changed = await patchObmSettings(deps, identifier, config);
      if (changed === undefined) return obmNotFound(identifier);
      return changed.ok ? { status: 200, json: obmView(changed.obm) } : badRequest(changed.message);
    },
  });
}

function deleteObm({ store }: ApiDeps): Route {
  return defineRoute({
    method: 'delete',
    path: '/obms/:identifier',
    operationId: 'obmsDeleteById',
    summary: 'Delete OBM settings',
    tag: basePath,
    params: identified,
    responses: { 204: 'Successfully deleted the specified OBM settings', 404: 'There are no such settings' },
    handle: async ({ params: { identifier } }) =>
      (await store.obms.delete(identifier)) ? noContent : obmNotFound(identifier),
  });
}

const obmNotFound = (id: string): RouteResponse => notFound(`Could not find obm with identifier ${id}`);

import { z } from 'zod';
import { defineRoute, type Route, type RouteResponse } from '../../../http/route.ts';
import type { Node } from '../../../model/node.ts';
import type { Draft } from '../../../model/document.ts';
import type { Obm } from '../../../model/records.ts';
import type { Store } from '../../../store/collections.ts';
import { modify } from '../../../store/modify.ts';
import type { ApiDeps } from '../../deps.ts';
import { identifierForm, nodeById, nodeByIdentifier } from '../../find-node.ts';
import { findAll } from '../../pages.ts';
import { present } from '../../present.ts';
import { removeNode } from '../../remove-node.ts';
import { patchNode, postNode, type ObmBody, type PatchNode, type PostNode } from '../bodies.ts';
import { badRequest, noContent, nodeNotFound } from '../form.ts';
import { pageLinks } from '../links.ts';
import { putObmSettings } from '../obm-settings.ts';
import { listQuery, sortPage } from '../query.ts';
import { basePath, nodeView, rawNode } from '../views.ts';

const identified = z.object({ identifier: z.string() });
const nodesQuery = listQuery({
  sort: ['name', 'id'],
  read: { identifiers: identifierForm, autoDiscover: (text) => text === 'true' },
});

/** RackHD's `/nodes`: the list, and one node. */
export function nodesRoutes(deps: ApiDeps): Route[] {
  return [listNodes(deps), createNode(deps), getNode(deps), changeNode(deps), deleteNode(deps)];
}

function listNodes({ store }: ApiDeps): Route {
  return defineRoute({
    method: 'get',
    path: '/nodes',
    operationId: 'nodesGetAll',
    summary: 'Get a list of nodes',
    tag: basePath,
    query: nodesQuery,
    responses: { 200: 'Successfully retrieved the list of nodes' },
    handle: async ({ query: { where, skip, top, sort, filter } }) => {
      const found = await findAll(store.nodes, { where, ...(skip === undefined ? {} : { skip }) }, top);
      const nodes = sortPage(found, sort, (node, field) => (field === 'name' ? node.name : node.id));
      const obms = await obmsByNode(store, nodes);
      const links =
        skip === undefined && top === undefined
          ? undefined
          : pageLinks({ path: `${basePath}/nodes`, skip, top, count: await store.nodes.count(where), filter });
      return {
        status: 200,
        json: nodes.map((node) => nodeView(node, obms.get(node.id) ?? [])),
        ...(links === undefined ? {} : { headers: { link: links } }),
      };
    },
  });
}

function createNode(deps: ApiDeps): Route {
  const { store, now } = deps;
  return defineRoute({
    method: 'post',
    path: '/nodes',
    operationId: 'nodesPost',
    summary: 'Post a node',
    tag: basePath,
    body: postNode,
    responses: { 201: 'Successfully created node' },
    handle: async ({ body }) => {
      const inserted = await store.nodes.insert(draftNode(body, now()));
      if (!inserted.ok) return badRequest('There is such a node.');
      const node = inserted.document;
      const refused = await putObms(deps, node.id, [...(body.obms ?? []), ...(body.obmSettings ?? [])]);
      if (refused !== undefined) {
        await store.obms.deleteWhere({ nodeId: node.id });
        await store.nodes.delete(node.id);
        return refused;
      }
      return { status: 201, json: rawNode(node) };
    },
  });
}

function draftNode(body: PostNode, now: Date): Draft<Node> {
  return {
    name: body.name,
    type: body.type,
    identifiers: body.identifiers ?? [],
    state: { name: 'new', since: now.toISOString() },
    summary: {},
    tags: body.tags ?? [],
    autoDiscover: body.autoDiscover ?? false,
    sku: body.sku ?? null,
    relations: body.relations ?? [],
    ...(body.bootSettings === undefined ? {} : { bootSettings: body.bootSettings }),
  };
}

async function putObms(deps: ApiDeps, nodeId: string, obms: readonly ObmBody[]): Promise<RouteResponse | undefined> {
  for (const obm of obms) {
    const result = await putObmSettings(deps, nodeId, obm);
    if (!result.ok) return badRequest(result.message);
  }
  return undefined;
}

function getNode({ store }: ApiDeps): Route {
  return defineRoute({
    method: 'get',
    path: '/nodes/:identifier',
    operationId: 'nodesGetById',
    summary: 'Get a node',
    tag: basePath,
    params: identified,
    responses: { 200: 'Successfully retrieved the specified node', 404: 'The specified node was not found' },
    handle: async ({ params: { identifier } }) => {
      const node = await nodeById(store, identifier);
      if (node === undefined) return nodeNotFound(identifier);
      const { items } = await store.obms.find({ where: { nodeId: node.id } });
      return { status: 200, json: nodeView(node, items) };
    },
  });
}

function changeNode(deps: ApiDeps): Route {
  const { store } = deps;
  return defineRoute({
    method: 'patch',
    path: '/nodes/:identifier',
    operationId: 'nodesPatchById',
    summary: 'Patch a node',
    tag: basePath,
    params: identified,
    body: patchNode,
    responses: { 200: 'Successfully modified the specified node', 404: 'The specified node was not found' },
    handle: async ({ params: { identifier }, body }) => {
      const found = await nodeByIdentifier(store, identifier);
      if (found === undefined) return nodeNotFound(identifier);
      const settings = [...(body.obms ?? []).filter(isObmBody), ...(body.obmSettings ?? [])];
      const refused = await putObms(deps, found.id, settings);
      if (refused !== undefined) return refused;
      const changed = await modify(store.nodes, found.id, (node) => ({ ...node, ...patched(body) }));
      return changed.ok ? { status: 200, json: rawNode(changed.document) } : nodeNotFound(identifier);
    },
  });
}

function isObmBody(obm: NonNullable<PatchNode['obms']>[number]): obm is ObmBody {
  return 'config' in obm;
}

/** The given fields of the node itself. */
function patched(body: PatchNode): Partial<Node> {
  const { name, type, identifiers, autoDiscover, tags, relations, bootSettings, sku } = body;
  return present({ name, type, identifiers, autoDiscover, tags, relations, bootSettings, sku });
}

function deleteNode({ store }: ApiDeps): Route {
  return defineRoute({
    method: 'delete',
    path: '/nodes/:identifier',
    operationId: 'nodesDelById',
    summary: 'Delete a node',
    tag: basePath,
    params: identified,
    responses: { 204: 'Successfully deleted the node', 404: 'The specified node was not found' },
    handle: async ({ params: { identifier } }) => {
      const node = await nodeByIdentifier(store, identifier);
      if (node === undefined) return nodeNotFound(identifier);
      const removed = await removeNode(store, node);
      return removed.ok ? noContent : badRequest(`Could not remove node ${removed.nodeId}, active workflow is running`);
    },
  });
}

/** The settings of several nodes, in one query for each thousand. */
async function obmsByNode(store: Store, nodes: readonly Node[]): Promise<ReadonlyMap<string, readonly Obm[]>> {
  const obms: Obm[] = [];
  for (let at = 0; at < nodes.length; at += 1000) {
    const ids = nodes.slice(at, at + 1000).map(({ id }) => id);
    obms.push(...(await findAll(store.obms, { where: { nodeId: { in: ids } } })));
  }
  return Map.groupBy(obms, ({ nodeId }) => nodeId);
}

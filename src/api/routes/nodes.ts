import { z } from 'zod';
import { jsonType } from '../../http/respond.ts';
import { defineRoute, type Route } from '../../http/route.ts';
import { isIpv4 } from '../../net/address.ts';
import { parseMac } from '../../net/mac.ts';
import type { Filter } from '../../store/repository.ts';
import type { ApiDeps } from '../deps.ts';
import { streamArray } from '../json-stream.ts';
import { eachPage, mapped } from '../pages.ts';
import { removeNode } from '../remove-node.ts';
import { problem, withNode, withNodeId } from './answers.ts';
import { newestDeployment } from './deployment-view.ts';
import { legalMoves } from './node-moves.ts';
import { createNodeItemTexts, nodeItems } from './node-view.ts';
import {
  byId,
  byWord,
  catalogSchema,
  defaultLimit,
  nodeItemSchema,
  nodeSchema,
  pageSchema,
  paging,
} from './schemas.ts';

/** One value, or several of which any may fit. */
const anyOf = z.union([z.string(), z.array(z.string()).max(1000)]).optional();

const nodesQuery = z
  .strictObject({
    ...paging,
    sort: z.enum(['id', '-id', 'name', '-name'], 'must be id, -id, name or -name').optional(),
    type: anyOf,
    state: anyOf,
    name: anyOf,
    tag: anyOf,
    sku: anyOf,
    uuid: anyOf,
    serial: anyOf,
    identifier: anyOf,
    mac: z
      .string()
      .transform((text, context) => {
        const mac = parseMac(text);
        if (mac === undefined) context.addIssue({ code: 'custom', message: 'must be a MAC address' });
        return mac ?? z.NEVER;
      })
      .optional(),
    address: z.string().refine(isIpv4, 'must be an IPv4 address').optional(),
  })
  .refine(({ mac, identifier }) => mac === undefined || identifier === undefined, 'give mac or identifier, not both');
type NodesQuery = z.infer<typeof nodesQuery>;

/** Our `/nodes`: the list with summaries, and one node. */
export function nodesRoutes(deps: ApiDeps): Route[] {
  return [listNodes(deps), getNode(deps), deleteNode(deps), nodeCatalogs(deps), nodeCatalog(deps)];
}

function listNodes(deps: ApiDeps): Route {
  const { store } = deps;
  const itemTexts = createNodeItemTexts(store);
  return defineRoute({
    method: 'get',
    path: '/nodes',
    operationId: 'listNodes',
    summary: 'Nodes with their summaries, page by page',
    tag: 'nodes',
    query: nodesQuery,
    responses: { 200: pageSchema(nodeItemSchema), 400: 'A filter, the cursor or the sort is not as it should be' },
    handle: async ({ query }) => {
      const { limit = defaultLimit, cursor, sort = 'id' } = query;
      const page = await store.nodes.find({
        where: await whereNodes(deps, query),
        sort: { field: sort.replace('-', ''), order: sort.startsWith('-') ? 'desc' : 'asc' },
        limit,
        ...(cursor === undefined ? {} : { after: cursor }),
      });
      const items = `[${(await itemTexts(page.items)).join()}]`;
      const next = page.next === undefined ? '' : `,"next":${JSON.stringify(page.next)}`;
      return { status: 200, text: `{"items":${items}${next}}`, type: jsonType };
    },
  });
}

async function whereNodes({ store }: ApiDeps, query: NodesQuery): Promise<Filter> {
  const fields = {
    type: query.type,
    'state.name': query.state,
    name: query.name,
    tags: query.tag,
    sku: query.sku,
    uuid: query.uuid,
    'summary.serial': query.serial,
    identifiers: query.mac ?? query.identifier,
  };
  const where = Object.entries(fields).flatMap(([path, value]) =>
    value === undefined ? [] : [[path, typeof value === 'string' ? value : { in: value }] as const],
  );
  if (query.address === undefined) return Object.fromEntries(where);
  const { items } = await store.lookups.find({ where: { ipAddress: query.address }, limit: 100 });
  return { ...Object.fromEntries(where), id: { in: items.flatMap(({ node }) => node ?? []) } };
}

function getNode(deps: ApiDeps): Route {
  const { store, engine } = deps;
  return defineRoute({
    method: 'get',
    path: '/nodes/:id',
    operationId: 'getNode',
    summary: 'One node',
    tag: 'nodes',
    params: byWord,
    responses: { 200: nodeSchema, 404: 'There is no such node', 409: 'The word fits several nodes' },
    handle: ({ params: { id } }) =>
      withNode(deps, id, async (node) => {
        const [[item], run, obms, deployment] = await Promise.all([
          nodeItems(store, [node]),
          engine.activeRun(node.id),
          store.obms.find({ where: { nodeId: node.id } }),
          newestDeployment(store, node.id),
        ]);
        const json = {
          ...item,
          moves: legalMoves(node.state.name),
          ...(run === undefined ? {} : { operation: run.id }),
          ...(deployment === undefined ? {} : { deployment }),
          obms: obms.items.map(({ id: obmId, service }) => ({ id: obmId, service })),
          relations: node.relations,
        };
        return { status: 200, json };
      }),
  });
}

function deleteNode(deps: ApiDeps): Route {
  return defineRoute({
    method: 'delete',
    path: '/nodes/:id',
    operationId: 'deleteNode',
    summary: 'Forget a node and all that belongs to it',
    tag: 'nodes',
    params: byId,
    responses: { 204: 'It is forgotten', 404: 'There is no such node', 409: 'An operation is active on it' },
    handle: ({ params: { id } }) =>
      withNodeId(deps, id, async (node) => {
        const removed = await removeNode(deps.store, node);
        if (removed.ok) return { status: 204, empty: true };
        return problem(409, `An operation is active on node ${removed.nodeId}: cancel it, or wait for its end.`);
      }),
  });
}

function nodeCatalogs(deps: ApiDeps): Route {
  const { store } = deps;
  return defineRoute({
    method: 'get',
    path: '/nodes/:id/catalogs',
    operationId: 'listNodeCatalogs',
    summary: "A node's catalogs, old ones too, newest first",
    tag: 'nodes',
    params: byWord,
    query: z.strictObject({ source: z.string().optional() }),
    responses: { 200: z.array(catalogSchema), 404: 'There is no such node' },
    handle: ({ params: { id }, query: { source } }) =>
      withNode(deps, id, (node) => {
        const where = { nodeId: node.id, ...(source === undefined ? {} : { source }) };
        const newestFirst = { field: 'createdAt', order: 'desc' } as const;
        return streamArray(mapped(eachPage(store.catalogs, { where, sort: newestFirst }, 50), catalogView));
      }),
  });
}

function nodeCatalog(deps: ApiDeps): Route {
  return defineRoute({
    method: 'get',
    path: '/nodes/:id/catalogs/:source',
    operationId: 'getNodeCatalog',
    summary: "A node's newest catalog of one source",
    tag: 'nodes',
    params: byWord.extend({ source: z.string().describe('dmi, lshw, lsblk, ...') }),
    responses: { 200: catalogSchema, 404: 'There is no such node, or it has no such catalog' },
    handle: ({ params: { id, source } }) =>
      withNode(deps, id, async (node) => {
        const sort = { field: 'createdAt', order: 'desc' } as const;
        const { items } = await deps.store.catalogs.find({ where: { nodeId: node.id, source }, sort, limit: 1 });
        const [newest] = items;
        return newest === undefined
          ? problem(404, `Node ${node.id} has no catalog '${source}'.`)
          : { status: 200, json: catalogView(newest) };
      }),
  });
}

function catalogView({ id, source, data, createdAt, updatedAt }: z.infer<typeof catalogSchema>): unknown {
  return { id, source, data, createdAt, updatedAt };
}

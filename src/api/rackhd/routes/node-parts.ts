import { z } from 'zod';
import { defineRoute, type Route } from '../../../http/route.ts';
import type { Node } from '../../../model/node.ts';
import { modify } from '../../../store/modify.ts';
import type { ApiDeps } from '../../deps.ts';
import { nodeByIdentifier } from '../../find-node.ts';
import { streamArray } from '../../json-stream.ts';
import { eachPage, findAll, mapped } from '../../pages.ts';
import { patchTags } from '../bodies.ts';
import { nodeNotFound, noContent, notFound } from '../form.ts';
import { listQuery } from '../query.ts';
import { basePath, catalogView, rawCatalog } from '../views.ts';

const identified = z.object({ identifier: z.string() });
const catalogsQuery = listQuery({ rename: { node: 'nodeId' } });

/** What belongs to one node in RackHD's API: catalogs and tags. */
export function nodePartRoutes(deps: ApiDeps): Route[] {
  return [
    nodeCatalogs(deps),
    nodeCatalog(deps),
    nodeTags(deps),
    addNodeTags(deps),
    removeNodeTag(deps),
    removeTag(deps),
  ];
}

function nodeCatalogs({ store }: ApiDeps): Route {
  return defineRoute({
    method: 'get',
    path: '/nodes/:identifier/catalogs',
    operationId: 'nodesGetCatalogById',
    summary: 'Get the catalogs for a node',
    tag: basePath,
    params: identified,
    query: catalogsQuery,
    responses: { 200: 'Successfully retrieved catalogs of specified node', 404: 'The specified node was not found' },
    handle: async ({ params: { identifier }, query }) => {
      const node = await nodeByIdentifier(store, identifier);
      if (node === undefined) return nodeNotFound(identifier);
      const where = { ...query.where, nodeId: node.id };
      return streamArray(mapped(eachPage(store.catalogs, { where }, 50), catalogView));
    },
  });
}

function nodeCatalog({ store }: ApiDeps): Route {
  return defineRoute({
    method: 'get',
    path: '/nodes/:identifier/catalogs/:source',
    operationId: 'nodesGetCatalogSourceById',
    summary: 'Get the newest catalog of a node by source',
    tag: basePath,
    params: z.object({ identifier: z.string(), source: z.string() }),
    responses: { 200: 'Successfully retrieved specific source catalog', 404: 'There is no such node or catalog' },
    handle: async ({ params: { identifier, source } }) => {
      const node = await nodeByIdentifier(store, identifier);
      if (node === undefined) return nodeNotFound(identifier);
      const sort = { field: 'createdAt', order: 'desc' } as const;
      const { items } = await store.catalogs.find({ where: { nodeId: node.id, source }, sort, limit: 1 });
      const [newest] = items;
      return newest === undefined
        ? notFound(`No Catalogs Found for Source (${source}).`)
        : { status: 200, json: rawCatalog(newest) };
    },
  });
}

function nodeTags({ store }: ApiDeps): Route {
  return defineRoute({
    method: 'get',
    path: '/nodes/:identifier/tags',
    operationId: 'nodesGetTagsById',
    summary: 'Get node tags',
    tag: basePath,
    params: identified,
    responses: { 200: 'Successfully retrieved node tags', 404: 'The specified node was not found' },
    handle: async ({ params: { identifier } }) => {
      const node = await nodeByIdentifier(store, identifier);
      return node === undefined ? nodeNotFound(identifier) : { status: 200, json: node.tags };
    },
  });
}

function addNodeTags({ store }: ApiDeps): Route {
  return defineRoute({
    method: 'patch',
    path: '/nodes/:identifier/tags',
    operationId: 'nodesPatchTagById',
    summary: 'Patch node tags',
    tag: basePath,
    params: identified,
    body: patchTags,
    responses: { 200: 'Successfully modified node tag(s).', 404: 'The specified node was not found' },
    handle: async ({ params: { identifier }, body: { tags } }) => {
      const found = await nodeByIdentifier(store, identifier);
      if (found === undefined) return nodeNotFound(identifier);
      const changed = await modify(store.nodes, found.id, (node) => ({
        ...node,
        tags: [...new Set([...node.tags, ...tags])],
      }));
      return changed.ok ? { status: 200, json: tags } : nodeNotFound(identifier);
    },
  });
}

function removeNodeTag({ store }: ApiDeps): Route {
  return defineRoute({
    method: 'delete',
    path: '/nodes/:identifier/tags/:tagName',
    operationId: 'nodesDelTagById',
    summary: 'Delete a tag from a node',
    tag: basePath,
    params: z.object({ identifier: z.string(), tagName: z.string() }),
    responses: { 204: 'Successfully deleted a specified tag from a node.', 404: 'The specified node was not found' },
    handle: async ({ params: { identifier, tagName } }) => {
      const found = await nodeByIdentifier(store, identifier);
      if (found === undefined) return nodeNotFound(identifier);
      await modify(store.nodes, found.id, (node) => withoutTag(node, tagName));
      return noContent;
    },
  });
}

function removeTag({ store }: ApiDeps): Route {
  return defineRoute({
    method: 'delete',
    path: '/nodes/tags/:tagName',
    operationId: 'nodesMasterDelTagById',
    summary: 'Delete a tag from all nodes',
    tag: basePath,
    params: z.object({ tagName: z.string() }),
    responses: { 204: 'Successfully deleted tags', 404: 'No node has the tag' },
    handle: async ({ params: { tagName } }) => {
      const nodes = await findAll(store.nodes, { where: { tags: tagName } });
      for (const { id } of nodes) await modify(store.nodes, id, (node) => withoutTag(node, tagName));
      return nodes.length === 0 ? notFound(`name ${tagName} was not found in nodes`) : noContent;
    },
  });
}

function withoutTag(node: Node, tagName: string): Node | undefined {
  return node.tags.includes(tagName) ? { ...node, tags: node.tags.filter((tag) => tag !== tagName) } : undefined;
}

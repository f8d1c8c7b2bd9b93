import type { GraphDefinition } from '../../model/graph.ts';
import type { Node } from '../../model/node.ts';
import type { Catalog, Lookup, Obm } from '../../model/records.ts';
import { present } from '../present.ts';
import { dropSecrets } from '../secrets.ts';

/**
 * RackHD's views: pure functions from our records to the bodies that its clients know. Links always say `/api/2.0`,
 * also under `/api/current`, as RackHD's do.
 */
export const basePath = '/api/2.0';

/** `GET /nodes`: links where the record has values; `tags` is a link, and only OBM references are given. */
export function nodeView(node: Node, obms: readonly Obm[]): Record<string, unknown> {
  const path = `${basePath}/nodes/${node.id}`;
  return {
    autoDiscover: node.autoDiscover,
    catalogs: `${path}/catalogs`,
    id: node.id,
    identifiers: node.identifiers,
    name: node.name,
    obms: obms.map(({ id, service }) => ({ service, ref: `${basePath}/obms/${id}` })),
    tags: `${path}/tags`,
    pollers: `${path}/pollers`,
    relations: node.relations.map(({ relationType, info = null, targets }) => ({ relationType, info, targets })),
    sku: node.sku == null ? null : `${basePath}/skus/${node.sku}`,
    type: node.type,
    workflows: `${path}/workflows`,
    ibms: [],
  };
}

/** The database record, as POST and PATCH answer it: `tags` is the list here. */
export function rawNode(node: Node): Record<string, unknown> {
  return {
    autoDiscover: node.autoDiscover,
    createdAt: node.createdAt,
    id: node.id,
    identifiers: node.identifiers,
    name: node.name,
    relations: node.relations,
    sku: node.sku ?? null,
    tags: node.tags,
    type: node.type,
    updatedAt: node.updatedAt,
    ...(node.bootSettings === undefined ? {} : { bootSettings: dropSecrets(node.bootSettings) }),
  };
}

/** Lists of catalogs: `node` is a link. */
export function catalogView(catalog: Catalog): Record<string, unknown> {
  return { ...rawCatalog(catalog), node: `${basePath}/nodes/${catalog.nodeId}` };
}

/** `GET /nodes/:id/catalogs/:source`: `node` is the bare id. */
export function rawCatalog({ id, nodeId, source, data, createdAt, updatedAt }: Catalog): Record<string, unknown> {
  return { id, node: nodeId, source, data, createdAt, updatedAt };
}

/** Settings without their secrets. */
export function obmView({ id, nodeId, service, config }: Obm): Record<string, unknown> {
  return { id, node: `${basePath}/nodes/${nodeId}`, service, config: dropSecrets(config) };
}

export function lookupView(lookup: Lookup): Record<string, unknown> {
  const { id, macAddress, ipAddress, node, createdAt, updatedAt } = lookup;
  return {
    id,
    macAddress,
    ...(ipAddress === undefined ? {} : { ipAddress }),
    ...(node === undefined ? {} : { node }),
    createdAt,
    updatedAt,
  };
}

/**
 * A graph of the library: tasks refer to their definition by a link. What RackHD's own view leaves out and its PUT takes
 * is here too: a client that puts back what it got changes nothing.
 */
export function graphView(graph: GraphDefinition): Record<string, unknown> {
  const { friendlyName, injectableName, options, serviceGraph, nodeEvents, tasks } = graph;
  return present({
    friendlyName,
    injectableName,
    options,
    serviceGraph,
    nodeEvents,
    tasks: tasks.map(({ label, waitOn, taskDefinition, taskName, optionOverrides, ignoreFailure }) =>
      present({
        label,
        waitOn,
        ignoreFailure,
        optionOverrides,
        taskDefinition,
        taskName: taskName === undefined ? undefined : `${basePath}/workflows/tasks/${taskName}`,
      }),
    ),
  });
}

/** A task of the library, base tasks too: those have `runJob` instead of `implementsTask`. */
export function taskView(task: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return { ...task, options: task.options ?? {}, properties: task.properties ?? {} };
}

import { STATUS_CODES } from 'node:http';
import type { z } from 'zod';
import { createComponents } from './openapi-components.ts';
import type { Components, Schema } from './openapi-components.ts';
import type { Route } from './route.ts';

export interface OpenApiDocument {
  readonly openapi: '3.1.0';
  readonly info: OpenApiInfo;
  readonly servers?: readonly { readonly url: string }[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> };
}

export interface OpenApiInfo {
  readonly title: string;
  readonly version: string;
  readonly description?: string;
}

/**
 * The OpenAPI 3.1 document of a list of routes. Schemas with `.meta({ id })` become components; one that differs between
 * what is sent and what is answered (defaults) is listed twice, as `Id` and `IdInput`.
 */
export function openapiDocument(routes: readonly Route[], info: OpenApiInfo): OpenApiDocument {
  const components = createComponents();
  // Answers first: where the two sides differ, the plain name is theirs.
  for (const answer of routes.flatMap((route) => Object.values(route.responses))) {
    if (typeof answer !== 'string') components.refer(answer, 'output');
  }
  const paths: Record<string, Record<string, unknown>> = {};
  for (const route of routes) {
    const path = (paths[route.path.replace(/[:*](\w+)/g, '{$1}')] ??= {});
    path[route.method] = operation(route, components);
  }
  return { openapi: '3.1.0', info, paths, components: { schemas: components.schemas() } };
}

function operation(route: Route, components: Components): Record<string, unknown> {
  const body = requestBody(route, components);
  return {
    operationId: route.operationId,
    summary: route.summary,
    tags: [route.tag],
    parameters: [...pathParameters(route, components), ...parameters('query', route.query, components)],
    ...(body !== undefined && { requestBody: body }),
    responses: Object.fromEntries(
      Object.entries(route.responses).map(([status, answer]) => [status, response(status, answer, components)]),
    ),
  };
}

/** Every `:name` of the path, by the schema where it says something of it. */
function pathParameters(route: Route, components: Components): Schema[] {
  const described = new Map(parameters('path', route.params, components).map((one) => [one.name, one]));
  return [...route.path.matchAll(/[:*](\w+)/g)].map(([, name]) => ({
    name,
    in: 'path',
    schema: described.get(name)?.schema ?? { type: 'string' },
    required: true,
  }));
}

function parameters(place: 'path' | 'query', schema: z.ZodType | undefined, components: Components): Schema[] {
  if (schema === undefined) return [];
  const { properties = {}, required = [] } = components.refer(schema, 'input') as {
    properties?: Record<string, Schema>;
    required?: string[];
  };
  return Object.entries(properties).map(([name, { description, ...rest }]) => ({
    name,
    in: place,
    ...(description !== undefined && { description }),
    required: required.includes(name),
    schema: rest,
  }));
}

function requestBody(route: Route, components: Components): unknown {
  const schema = route.body && components.refer(route.body, 'input');
  if (schema === undefined && route.bodyKind === undefined) return undefined;
  const type = { json: 'application/json', text: 'text/plain', stream: 'application/octet-stream' }[
    route.bodyKind ?? 'json'
  ];
  return { content: { [type]: { schema: schema ?? {} } } };
}

function response(status: string, answer: z.ZodType | string, components: Components): unknown {
  if (typeof answer === 'string') return { description: answer };
  return {
    description: answer.meta()?.description ?? STATUS_CODES[status] ?? status,
    content: { 'application/json': { schema: components.refer(answer, 'output') } },
  };
}

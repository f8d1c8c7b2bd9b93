import { z } from 'zod';
import { openapiDocument } from '../../src/http/openapi.ts';
import { defineRoute } from '../../src/http/route.ts';

const sku = z.object({ id: z.string() }).meta({ id: 'Sku' });
const node = z
  .object({ id: z.string(), name: z.string().default(''), sku: sku.optional() })
  .meta({ id: 'Node', description: 'a machine' });
interface Tree {
  kids: Tree[];
}
const tree: z.ZodType<Tree> = z.object({
  get kids() {
    return z.array(tree);
  },
});

const handle = () => ({ status: 204, empty: true }) as const;
const about = { summary: 'one line', tag: 'nodes' };
const routes = [
  defineRoute({
    ...about,
    operationId: 'listNodes',
    method: 'get',
    path: '/nodes',
    query: z.object({
      $top: z.coerce.number().int().optional().describe('most items'),
      type: z.enum(['compute', 'switch']),
    }),
    responses: { 200: z.array(node).describe('the nodes'), 401: 'not logged in' },
    handle,
  }),
  defineRoute({
    ...about,
    operationId: 'putNode',
    method: 'put',
    path: '/nodes/:id/files/*rest',
    params: z.object({ id: z.string().length(24), rest: z.array(z.string()) }),
    body: node,
    responses: { 200: node, 404: 'no such node' },
    handle,
  }),
  defineRoute({
    ...about,
    operationId: 'putRaw',
    method: 'put',
    path: '/raw/:name',
    bodyKind: 'stream',
    responses: { 201: tree },
    handle,
  }),
];
const document = openapiDocument(routes, { title: 'Rackwright', version: '1' });

test('paths, parameters and answers come from the routes', () => {
  expect(document.openapi).toBe('3.1.0');
  expect(document.info).toEqual({ title: 'Rackwright', version: '1' });
  expect(Object.keys(document.paths)).toEqual(['/nodes', '/nodes/{id}/files/{rest}', '/raw/{name}']);
  expect(document.paths['/nodes']?.get).toEqual({
    operationId: 'listNodes',
    summary: 'one line',
    tags: ['nodes'],
    parameters: [
      {
        name: '$top',
        in: 'query',
        description: 'most items',
        required: false,
        schema: expect.objectContaining({ type: 'integer' }) as unknown,
      },
      { name: 'type', in: 'query', required: true, schema: { type: 'string', enum: ['compute', 'switch'] } },
    ],
    responses: {
      200: {
        description: 'the nodes',
        content: {
          'application/json': {
            schema: { description: 'the nodes', type: 'array', items: { $ref: '#/components/schemas/Node' } },
          },
        },
      },
      401: { description: 'not logged in' },
    },
  });
});

test('path parameters are always there, by their schema where they have one', () => {
  expect(document.paths['/nodes/{id}/files/{rest}']?.put).toMatchObject({
    parameters: [
      { name: 'id', in: 'path', required: true, schema: { type: 'string', minLength: 24, maxLength: 24 } },
      { name: 'rest', in: 'path', required: true },
    ],
  });
  expect(document.paths['/raw/{name}']?.put).toMatchObject({
    parameters: [{ name: 'name', in: 'path', required: true, schema: { type: 'string' } }],
    requestBody: { content: { 'application/octet-stream': { schema: {} } } },
  });
});

test('schemas with an id are listed once; what is sent differs from what is answered by its defaults', () => {
  const { schemas } = document.components;
  expect(Object.keys(schemas)).toEqual(['Node', 'NodeInput', 'Schema', 'Sku']);
  expect(schemas.Node).toMatchObject({
    description: 'a machine',
    required: ['id', 'name'],
    properties: { sku: { $ref: '#/components/schemas/Sku' } },
  });
  expect(schemas.Node).not.toHaveProperty('additionalProperties');
  expect(schemas.NodeInput).toMatchObject({ required: ['id'] });
  expect(schemas.Schema).toMatchObject({ properties: { kids: { items: { $ref: '#/components/schemas/Schema' } } } });
  expect(document.paths['/nodes/{id}/files/{rest}']?.put).toMatchObject({
    requestBody: { content: { 'application/json': { schema: { $ref: '#/components/schemas/NodeInput' } } } },
    responses: {
      200: {
        description: 'a machine',
        content: { 'application/json': { schema: { $ref: '#/components/schemas/Node' } } },
      },
    },
  });
});

test('every reference leads somewhere', () => {
  const references = [...JSON.stringify(document).matchAll(/"\$ref":"#\/components\/schemas\/(\w+)"/g)].map(
    ([, id]) => id,
  );
  expect(references.length).toBeGreaterThan(3);
  for (const id of references) expect(document.components.schemas).toHaveProperty(id!);
});

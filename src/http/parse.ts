import { parse as parseQuery } from 'node:querystring';
import type { IncomingMessage } from 'node:http';
import type { z } from 'zod';
import { readBody } from './body.ts';
import type { FieldProblem, Problem } from './problem.ts';
import type { Route } from './route.ts';

type Parsed =
  | { readonly ok: true; readonly params: unknown; readonly query: unknown; readonly body: unknown }
  | { readonly ok: false; readonly problem: Problem };

/** Reads params, query and body of a request by the schemas of its route. All that is wrong with them is told at once. */
export async function parseRequest(route: Route, request: IncomingMessage, rawParams: unknown): Promise<Parsed> {
  const read = await readRouteBody(route, request);
  if (!read.ok) return read;
  const params = check('params', route.params, rawParams);
  const query = check('query', route.query, parseQuery((request.url ?? '').split('?', 2)[1] ?? ''));
  const body = checkBody(route.body, read.value);
  const errors = [params, query, body].flatMap((part) => part.errors);
  if (errors.length === 0) return { ok: true, params: params.value, query: query.value, body: body.value };
  const detail = errors.map(({ field, expected }) => `${field}: ${expected}`).join('; ');
  return { ok: false, problem: { status: 400, detail, errors } };
}

function readRouteBody(route: Route, request: IncomingMessage): ReturnType<typeof readBody> {
  if (route.bodyKind === 'stream' || (route.body === undefined && route.bodyKind === undefined)) {
    return Promise.resolve({ ok: true, value: undefined });
  }
  return readBody(request, route.bodyKind ?? 'json', route.bodyLimit);
}

interface Checked {
  readonly value?: unknown;
  readonly errors: readonly FieldProblem[];
}

function check(part: string, schema: z.ZodType | undefined, value: unknown): Checked {
  if (schema === undefined) return { value, errors: [] };
  const result = schema.safeParse(value);
  if (result.success) return { value: result.data, errors: [] };
  return {
    errors: result.error.issues.map((issue) => ({ field: fieldName(part, issue.path), expected: issue.message })),
  };
}

/** Where a body is wanted and none came, an empty object is tried: clients leave out a body whose fields are all optional. */
function checkBody(schema: z.ZodType | undefined, value: unknown): Checked {
  const checked = check('body', schema, value);
  return value === undefined && checked.errors.length > 0 ? check('body', schema, {}) : checked;
}

function fieldName(part: string, path: readonly PropertyKey[]): string {
  return path.reduce<string>(
    (name, key) => (typeof key === 'number' ? `${name}[${key}]` : `${name}.${String(key)}`),
    part,
  );
}

import { z } from 'zod';
import { InputError, RackwrightError } from '../../src/errors.ts';
import { createHttpApp } from '../../src/http/app.ts';
import { createRouter } from '../../src/http/router.ts';
import type { RouterOptions } from '../../src/http/router.ts';
import { defineRoute } from '../../src/http/route.ts';
import type { Route } from '../../src/http/route.ts';
import { createLog } from '../../src/log.ts';
import { ask, startTestServer } from '../support/http.ts';
import type { Answer, TestServer } from '../support/http.ts';

const log = createLog('silent');
const about = (operationId: string) => ({ operationId, summary: operationId, tag: 'test', responses: { 200: 'done' } });
const node = z.object({ name: z.string(), tags: z.array(z.string()).optional() });

let server: TestServer | undefined;
afterEach(() => server?.close());

async function serve(
  routes: Route[],
  options: Partial<RouterOptions> = {},
): Promise<(path: string, init?: Parameters<typeof ask>[1]) => Promise<Answer>> {
  server = await startTestServer(createHttpApp([{ handler: createRouter(routes, { log, ...options }) }]));
  const { url } = server;
  return (path, init) => ask(url + path, init);
}

const json = { 'content-type': 'application/json' };
const echo = defineRoute({
  ...about('echo'),
  method: 'post',
  path: '/nodes/:id',
  params: z.object({ id: z.string().max(5) }),
  query: z.object({ $top: z.coerce.number().int().optional(), type: z.string().optional() }),
  body: node,
  bodyLimit: 200,
  handle: ({ params, query, body, peer }) => ({ status: 200, json: { params, query, body, peer } }),
});
const get = defineRoute({
  ...about('get'),
  method: 'get',
  path: '/nodes/:id',
  handle: () => ({ status: 200, json: { ok: true } }),
});
const remove = defineRoute({
  ...about('remove'),
  method: 'delete',
  path: '/nodes/:id',
  body: z.object({ force: z.boolean().optional() }),
  handle: ({ body }) => ({ status: 200, json: body }),
});

describe('what a handler is given', () => {
  test('params, query and body are read by the schemas', async () => {
    const request = await serve([echo]);
    const answer = await request('/nodes/a%20b?$top=3&type=compute', {
      method: 'POST',
      headers: json,
      body: '{"name":"n1"}',
    });
    expect(answer.status).toBe(200);
    expect(answer.json).toEqual({
      params: { id: 'a b' },
      query: { $top: 3, type: 'compute' },
      body: { name: 'n1' },
      peer: '127.0.0.1',
    });
  });

  test('a query named __proto__ is only a name', async () => {
    const route = defineRoute({
      ...about('any'),
      method: 'get',
      path: '/',
      query: z.record(z.string(), z.string()),
      handle: ({ query }) => ({
        status: 200,
        json: [Object.getPrototypeOf(query) === Object.prototype, Object.keys(query)],
      }),
    });
    const request = await serve([route]);
    expect((await request('/?__proto__=1&constructor=2')).json).toEqual([
      true,
      expect.arrayContaining(['constructor']),
    ]);
  });

  test('text and streams', async () => {
    const text = defineRoute({
      ...about('text'),
      method: 'put',
      path: '/text',
      bodyKind: 'text',
      body: z.string(),
      handle: ({ body }) => ({ status: 200, text: body.toUpperCase(), type: 'text/plain' }),
    });
    const stream = defineRoute({
      ...about('stream'),
      method: 'put',
      path: '/stream',
      bodyKind: 'stream',
      handle: async ({ stream: body }) => {
        let length = 0;
        for await (const chunk of body) length += (chunk as Buffer).length;
        return { status: 201, json: length };
      },
    });
    const request = await serve([text, stream]);
    expect(
      (await request('/text', { method: 'PUT', headers: { 'content-type': 'text/plain' }, body: 'grün' })).text,
    ).toBe('GRÜN');
    const big = Buffer.alloc(3 << 20);
    expect(
      (
        await request('/stream', {
          method: 'PUT',
          headers: { 'content-type': 'application/x-www-form-urlencoded' },
          body: big,
        })
      ).json,
    ).toBe(big.length);
  });

  test.each([
    ['GET', '', 200, { ok: true }],
    ['GET', 'null', 200, { ok: true }],
    ['GET', '[]', 200, { ok: true }],
    ['GET', 'garbage', 200, { ok: true }],
    ['DELETE', '', 200, {}],
    ['DELETE', '[]', 200, {}],
    ['DELETE', 'null', 200, {}],
    ['DELETE', '{"force":true}', 200, { force: true }],
  ])('%s with Content-Type json and the body %j is answered %d', async (method, body, status, expected) => {
    const request = await serve([get, remove]);
    const answer = await request('/nodes/1', { method, headers: json, body });
    expect([answer.status, answer.json]).toEqual([status, expected]);
  });

  test('the signal is aborted when the server drains, and the answer still arrives', async () => {
    const draining = new AbortController();
    const poll = defineRoute({
      ...about('poll'),
      method: 'get',
      path: '/poll',
      handle: ({ signal }) =>
        new Promise((resolve) => {
          signal.addEventListener('abort', () => {
            resolve({ status: 204, empty: true });
          });
          setImmediate(() => {
            draining.abort();
          });
        }),
    });
    const request = await serve([poll], { draining: draining.signal });
    expect((await request('/poll')).status).toBe(204);
  });

  test('the signal is aborted when the client goes away', async () => {
    const client = new AbortController();
    const aborted = new Promise((resolve) => {
      const poll = defineRoute({
        ...about('poll'),
        method: 'get',
        path: '/poll',
        handle: ({ signal }) => {
          client.abort();
          return new Promise((answer) => {
            signal.addEventListener('abort', () => {
              resolve(true);
              answer({ status: 204, empty: true });
            });
          });
        },
      });
      void serve([poll]).then(() => fetch(`${server!.url}/poll`, { signal: client.signal }).catch(() => undefined));
    });
    expect(await aborted).toBe(true);
  });
});

describe('problems', () => {
  const post = (body: string | Uint8Array, headers: Record<string, string> = json) => ({
    method: 'POST',
    headers,
    body,
  });

  test('every wrong field is named at once, as RFC 9457 says', async () => {
    const request = await serve([echo]);
    const answer = await request('/nodes/toolong?$top=x', post('{"tags":["a",7]}'));
    expect(answer.status).toBe(400);
    expect(answer.headers['content-type']).toBe('application/problem+json');
    expect(answer.json).toMatchObject({ type: 'about:blank', title: 'Bad Request', status: 400 });
    const { errors } = answer.json as { errors: { field: string; expected: string }[] };
    expect(errors.map((error) => error.field)).toEqual(['params.id', 'query.$top', 'body.name', 'body.tags[1]']);
    expect(errors[2]?.expected).toMatch(/expected string/);
  });

  test.each([
    ['malformed JSON names the place', '{"name": }', json, 400, /expected a value at line 1, column 10/],
    ['no body at all names what is missing', '', json, 400, /body\.name/],
    ['null is no body', 'null', json, 400, /body\.name/],
    [
      'a body of another type',
      'name=x',
      { 'content-type': 'application/x-www-form-urlencoded' },
      415,
      /application\/json/,
    ],
    ['a packed body', '{}', { ...json, 'content-encoding': 'gzip' }, 415, /Content-Encoding/],
    ['a body over the limit', `"${'x'.repeat(300)}"`, json, 413, /at most 200 bytes/],
    ['bytes that are no UTF-8', Uint8Array.of(0x22, 0xff, 0x22), json, 400, /UTF-8/],
  ])('%s', async (_name, body, headers, status, detail) => {
    const request = await serve([echo]);
    const answer = await request('/nodes/1', post(body, headers));
    expect(answer.status).toBe(status);
    expect((answer.json as { detail: string }).detail).toMatch(detail);
  });

  test('a chunked body over the limit', async () => {
    const request = await serve([echo]);
    const answer = await request('/nodes/1', post(`"${'x'.repeat(300)}"`, { ...json, 'transfer-encoding': 'chunked' }));
    expect(answer.status).toBe(413);
  });

  test('another form is the form of the router', async () => {
    const request = await serve([echo], {
      formatProblem: ({ status, detail }) => ({
        type: 'application/json',
        json: { message: detail, status, UUID: 'u' },
      }),
    });
    expect((await request('/nope')).json).toEqual({ message: 'There is nothing at /nope.', status: 404, UUID: 'u' });
  });

  test.each([
    [new InputError('sku', 'expected an id'), 400, 'sku: expected an id'],
    [new RackwrightError('store', 'the store is away', { retryable: true }), 503, 'the store is away'],
    [new Error('secret path /etc/shadow'), 500, 'its log says why'],
  ])('a handler that throws %s answers %d', async (error, status, detail) => {
    const route = defineRoute({ ...about('throws'), method: 'get', path: '/', handle: () => Promise.reject(error) });
    const request = await serve([route]);
    const answer = (await request('/')).json as { status: number; detail: string };
    expect(answer.status).toBe(status);
    expect(answer.detail).toContain(detail);
    expect(answer.detail).not.toContain('shadow');
  });

  test('a path that cannot be decoded', async () => {
    const request = await serve([get]);
    expect((await request('/nodes/%zz')).status).toBe(400);
  });

  test('a problem as an answer', async () => {
    const route = defineRoute({
      ...about('gone'),
      method: 'get',
      path: '/',
      handle: () => ({ problem: { status: 404, detail: 'no node x' } }),
    });
    const request = await serve([route]);
    expect((await request('/')).json).toMatchObject({ status: 404, detail: 'no node x' });
  });
});

describe('methods and paths', () => {
  test('a method that no matching path has is 405 with Allow', async () => {
    const lookup = defineRoute({
      ...about('lookup'),
      method: 'put',
      path: '/nodes/lookup',
      handle: () => ({ status: 200, json: 1 }),
    });
    const request = await serve([lookup, get, echo]);
    const answer = await request('/nodes/lookup', { method: 'PATCH' });
    expect(answer.status).toBe(405);
    expect(answer.headers.allow?.split(', ').sort()).toEqual(['GET', 'HEAD', 'POST', 'PUT']);
    expect((await request('/nodes/lookup')).status).toBe(200);
  });

  test('OPTIONS tells the methods', async () => {
    const request = await serve([get]);
    const answer = await request('/nodes/1', { method: 'OPTIONS' });
    expect([answer.status, answer.headers.allow]).toEqual([204, 'GET, HEAD']);
  });

  test('HEAD is GET without the body', async () => {
    const request = await serve([get]);
    const answer = await request('/nodes/1', { method: 'HEAD' });
    expect([answer.status, answer.text, answer.headers['content-length']]).toEqual([200, '', '11']);
  });

  test('nothing tells what we run on', async () => {
    const request = await serve([get]);
    const { headers } = await request('/nodes/1');
    expect(headers).not.toHaveProperty('x-powered-by');
    expect(headers).not.toHaveProperty('etag');
    expect(headers['x-content-type-options']).toBe('nosniff');
  });

  test('a route listed twice is a fault of ours', () => {
    expect(() => createRouter([get, get], { log })).toThrow('two routes serve get /nodes/:id');
  });
});

describe('raw answers', () => {
  test('the handler writes the response itself, or answers after all', async () => {
    const raw = defineRoute({
      ...about('raw'),
      method: 'get',
      path: '/raw',
      handle: ({ headers }) => ({
        raw: async (_request, response) => {
          await Promise.resolve();
          if (headers['x-none']) return { status: 404, text: 'none', type: 'text/plain' };
          response.writeHead(200).end('mine');
          return undefined;
        },
      }),
    });
    const request = await serve([raw]);
    expect((await request('/raw')).text).toBe('mine');
    expect((await request('/raw', { headers: { 'x-none': '1' } })).status).toBe(404);
  });

  test('an answer that breaks off in the middle is not taken for whole', async () => {
    const raw = defineRoute({
      ...about('raw'),
      method: 'get',
      path: '/raw',
      handle: () => ({
        raw: async (_request, response) => {
          await new Promise((resolve) => {
            response.write('begun', resolve);
          });
          throw new Error('disk gone');
        },
      }),
    });
    const request = await serve([raw]);
    await expect(request('/raw')).rejects.toThrow(/aborted|hang up|ECONNRESET/);
  });
});

test('a path with a secret in it stands in no log', async () => {
  const logged: unknown[] = [];
  const note = (...said: unknown[]): void => void logged.push(said);
  const broken = defineRoute({
    ...about('broken'),
    method: 'get',
    path: '/deploy/:token/image',
    secretPath: true,
    handle: () => {
      throw new Error('out of order');
    },
  });
  const send = await serve([broken], { log: { ...log, error: note, debug: note } });
  expect((await send('/deploy/s3cret/image')).status).toBe(500);
  expect(logged).toHaveLength(1);
  expect(JSON.stringify(logged)).toContain('/deploy/:token/image');
  expect(JSON.stringify(logged)).not.toContain('s3cret');
});

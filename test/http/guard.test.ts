import { createHttpApp } from '../../src/http/app.ts';
import { createGuard } from '../../src/http/guard.ts';
import { ask, askRaw, startTestServer } from '../support/http.ts';
import type { TestServer } from '../support/http.ts';

let server: TestServer;
beforeAll(async () => {
  const guard = createGuard({ hosts: ['rack1.example.com'], origins: ['https://portal.example.com'] });
  server = await startTestServer(
    createHttpApp([{ handler: guard }, { handler: (_request, response) => response.end('in') }]),
  );
});
afterAll(() => server.close());

test.each([
  ['127.0.0.1:9090', 200],
  ['localhost:9090', 200],
  ['LOCALHOST', 200],
  ['localhost.', 200],
  ['[::1]:9090', 200],
  ['rack1.example.com', 200],
  ['rack1.example.com:9090', 200],
  ['evil.example.com', 421],
  ['localhost.evil.com', 421],
  ['rack1.example.com.evil.com:9090', 421],
  ['127.0.0.1.evil.com', 421],
  ['localhost@evil.com', 421],
])('Host %s: %d', async (host, status) => {
  expect((await ask(server.url, { headers: { host } })).status).toBe(status);
});

test.each([
  ['http://localhost:9090', 200],
  ['https://localhost:9090', 200],
  ['https://portal.example.com', 200],
  ['http://localhost:9091', 403],
  ['http://evil.example.com', 403],
  ['null', 403],
])('Origin %s at localhost:9090: %d', async (origin, status) => {
  expect((await ask(server.url, { method: 'POST', headers: { host: 'localhost:9090', origin } })).status).toBe(status);
});

test('a client that knows no Host is no browser', async () => {
  expect(await askRaw(server.port, 'GET / HTTP/1.0\r\n\r\n')).toMatch(/^HTTP\/1.1 200 [^]*in$/);
});

test('the refusal says what to set', async () => {
  const answer = await ask(server.url, { headers: { host: 'evil.example.com' } });
  expect(answer.json).toMatchObject({
    status: 421,
    detail: "This server is not called 'evil.example.com'. Names it goes by are set with admin.hosts.",
  });
});

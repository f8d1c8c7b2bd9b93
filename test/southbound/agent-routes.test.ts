import { once } from 'node:events';
import { connect } from 'node:net';
import { createHttpApp } from '../../src/http/app.ts';
import { createRouter } from '../../src/http/router.ts';
import { createLog } from '../../src/log.ts';
import type { SouthboundDeps } from '../../src/southbound/deps.ts';
import { agentRoutes } from '../../src/southbound/routes/agent.ts';
import { ask, startTestServer, type TestServer } from '../support/http.ts';

const session = 's'.repeat(43);
const path = '/agent/attempts/r/l/1';
let server: TestServer;
let reported: unknown[];

beforeEach(async () => {
  reported = [];
  const deps = {
    boots: { session: (token: string) => Promise.resolve(token === session ? { nodeId: 'n1', mac: 'm' } : undefined) },
    engine: {
      attempt: () => Promise.resolve({ nodeId: 'n1', work: { commands: [{ command: 'true' }] } }),
      report: (_: unknown, outcome: unknown) => {
        reported.push(outcome);
        return Promise.resolve('accepted');
      },
    },
    record: () => undefined,
  } as unknown as SouthboundDeps;
  const log = createLog('silent');
  server = await startTestServer(createHttpApp([{ handler: createRouter(agentRoutes(deps), { log }) }]));
});
afterEach(() => server.close());

const deliver = (body: string, token = session) =>
  ask(`${server.url}${path}`, {
    method: 'POST',
    body,
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
  });

test('a report of 20 MiB is taken', async () => {
  const stdout = 'x'.repeat(20 * 1024 * 1024);
  const answer = await deliver(JSON.stringify({ results: [{ code: 0, stdout, stderr: '' }] }));
  expect(answer.status).toBe(204);
  expect(reported).toMatchObject([{ ok: true }]);
});

test('no byte of a report is waited for from who has no session', async () => {
  const { hostname, port } = new URL(server.url);
  const socket = connect(Number(port), hostname);
  socket.write(
    `POST ${path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${'t'.repeat(43)}\r\nContent-Length: 9000\r\n\r\n`,
  );
  const [answer] = (await once(socket, 'data')) as [Buffer];
  socket.destroy();
  expect(answer.toString()).toMatch(/^HTTP\/1\.1 401 /);
});

test.each([
  ['no JSON', '{', 400],
  ['not a report', '{"results":[{"code":"0"}]}', 400],
  ['too large', `"${'x'.repeat(33 * 1024 * 1024)}"`, 413],
])('a body that is %s is refused in words', async (_, body, status) => {
  const answer = await deliver(body);
  expect(answer.status).toBe(status);
  expect(answer.json).toMatchObject({ status });
  expect(reported).toEqual([]);
});

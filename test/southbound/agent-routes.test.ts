import { once } from 'node:events';
import { connect } from 'node:net';
import { createHttpApp } from '../../src/http/app.ts';
import { createRouter } from '../../src/http/router.ts';
import type { NewFact } from '../../src/model/fact.ts';
import { createLog } from '../../src/log.ts';
import type { SouthboundDeps } from '../../src/southbound/deps.ts';
import { agentRoutes } from '../../src/southbound/routes/agent.ts';
import { ask, startTestServer, type TestServer } from '../support/http.ts';

const session = 's'.repeat(43);
const path = '/agent/attempts/r/l/1';
let server: TestServer;
let reported: unknown[];
let facts: NewFact[];
/** What the engine does while an agent waits for work. */
let waits: (gone: AbortSignal) => Promise<void>;
let work: unknown;

beforeEach(async () => {
  reported = [];
  facts = [];
  work = undefined;
  const deps = {
    boots: { session: (token: string) => Promise.resolve(token === session ? { nodeId: 'n1', mac: 'm' } : undefined) },
    engine: {
      attempt: () =>
        Promise.resolve({
          nodeId: 'n1',
          work: { commands: [{ command: 'true' }] },
          conclude: () => ({ ok: true as const }),
        }),
      report: (_: unknown, outcome: unknown) => {
        reported.push(outcome);
        return Promise.resolve('accepted');
      },
      workFor: () => Promise.resolve(work),
      changed: (_: string, gone: AbortSignal) => waits(gone),
    },
    record: (fact: NewFact) => facts.push(fact),
  } as unknown as SouthboundDeps;
  const log = createLog('silent');
  server = await startTestServer(createHttpApp([{ handler: createRouter(agentRoutes(deps), { log }) }]));
});
afterEach(() => server.close());

const deliver = (body: string, type = 'application/json') =>
  ask(`${server.url}${path}`, {
    method: 'POST',
    body,
    headers: { authorization: `Bearer ${session}`, 'content-type': type },
  });

test('a report of 20 MiB is taken', async () => {
  const stdout = 'x'.repeat(20 * 1024 * 1024);
  const answer = await deliver(JSON.stringify({ results: [{ code: 0, stdout, stderr: '' }] }));
  expect(answer.status).toBe(204);
  expect(reported).toMatchObject([{ ok: true }]);
});

test('a report without JSON is taken as well', async () => {
  const answer = await deliver('result 0 - 3 2\nabcde', 'application/x-rackwright-report');
  expect(answer.status).toBe(204);
  expect(reported).toMatchObject([{ ok: true, output: [{ code: 0, stdout: 'abc', stderr: 'de' }] }]);
});

test('one that is damaged is refused in words', async () => {
  const answer = await deliver('result 0 - 3 2\nabc', 'application/x-rackwright-report');
  expect(answer.json).toMatchObject({ status: 400, detail: 'The report is damaged at byte 15: expected 5 bytes.' });
  expect(reported).toEqual([]);
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

describe('an agent that waits for work', () => {
  const task = { runId: 'r', label: 'l', attempt: 1, commands: [{ command: 'true' }], environment: {} };
  const headers = { authorization: `Bearer ${session}` };

  test('gets it when it comes', async () => {
    waits = () => {
      work = task;
      return Promise.resolve();
    };
    const answer = await ask(`${server.url}/agent/work`, { headers });
    expect(answer.json).toMatchObject({ attempt: 'r/l/1', commands: [{ command: 'true' }] });
    expect(facts).toMatchObject([{ kind: 'agent.work' }]);
  });

  test('and asks for a script gets one', async () => {
    work = task;
    const answer = await ask(`${server.url}/agent/work`, { headers: { ...headers, accept: 'text/x-shellscript' } });
    expect(answer.headers['content-type']).toBe('text/x-shellscript');
    expect(answer.text).toMatch(/^# rackwright work\nattempt='r\/l\/1'\n/);
  });

  test('and goes away has taken nothing', async () => {
    const waiting = Promise.withResolvers<undefined>();
    const ended = Promise.withResolvers<undefined>();
    waits = async (gone) => {
      waiting.resolve(undefined);
      if (!gone.aborted) await once(gone, 'abort');
      work = task;
      setImmediate(() => {
        ended.resolve(undefined);
      });
    };
    const controller = new AbortController();
    const asked = fetch(`${server.url}/agent/work`, { headers, signal: controller.signal });
    await waiting.promise;
    controller.abort();
    await expect(asked).rejects.toThrow();
    await ended.promise;
    expect(facts).toEqual([]);
  });
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

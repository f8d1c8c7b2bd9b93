import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createDeployments, type Deployments } from '../../src/deployment/deployments.ts';
import { deployRequestSchema } from '../../src/deployment/request.ts';
import { createHttpApp } from '../../src/http/app.ts';
import { createSendFile } from '../../src/http/files.ts';
import { createRouter } from '../../src/http/router.ts';
import { createLog } from '../../src/log.ts';
import type { NewFact } from '../../src/model/fact.ts';
import type { Image } from '../../src/model/image.ts';
import type { Run } from '../../src/model/run.ts';
import { sealerOf } from '../../src/secrets/seal.ts';
import type { SouthboundDeps } from '../../src/southbound/deps.ts';
import { deployRoutes } from '../../src/southbound/routes/deploy.ts';
import type { OpenStore } from '../../src/store/collections.ts';
import { openSqliteStore } from '../../src/store/sqlite/store.ts';
import { ask, startTestServer, type TestServer } from '../support/http.ts';

const bytes = Buffer.from('the bytes of an image');
const sha256 = createHash('sha256').update(bytes).digest('hex');
const image = {
  id: 'i1',
  name: 'debian-12',
  sha256,
  sizeBytes: bytes.length,
  format: 'raw',
  rawBytes: bytes.length,
  cloudInit: true,
};
const request = deployRequestSchema.parse({
  image: 'debian-12',
  hostname: 'web1',
  users: [{ name: 'ops', passwordHash: '$6$salt$hash' }],
  userData: '#!/bin/sh\necho secret-of-the-operator\n',
});
const json = { 'content-type': 'application/json' };

let dir: string;
let open: OpenStore;
let server: TestServer;
let deployments: Deployments;
let facts: NewFact[];
let calls: unknown[][];
let clock: Date;
let token: string;

/** As much of a run as is looked at here. */
const startRun = async (id: string): Promise<void> => {
  const run = { id, instanceId: id, nodeId: 'n1', activeKey: id, state: 'running', context: {}, tasks: {} };
  const inserted = await open.store.runs.insert(run as unknown as Run);
  expect(inserted.ok).toBe(true);
};
const endRun = async (id: string): Promise<void> => {
  const run = await open.store.runs.get(id);
  if (!run) throw new Error(`no run ${id}`);
  await open.store.runs.update({ ...run, state: 'succeeded' });
};
const prepare = (runId: string) => deployments.prepare({ runId, nodeId: 'n1', request });

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'rwt-deploy-'));
  writeFileSync(join(dir, sha256), bytes);
  open = await openSqliteStore({ path: ':memory:' });
  clock = new Date('2026-01-01T00:00:00Z');
  facts = [];
  calls = [];
  const record = (fact: NewFact): void => void facts.push(fact);
  deployments = createDeployments({
    store: open.store,
    sealer: sealerOf({
      file: 'keys',
      keys: [{ id: '00000001', createdAt: '', key: Buffer.alloc(32).toString('base64') }],
    }),
    findImage: (word) => Promise.resolve([image.name, image.id].includes(word) ? (image as Image) : undefined),
    url: 'http://172.31.128.1:9080',
    record,
    now: () => clock,
  });
  await startRun('r1');
  expect(await prepare('r1')).toMatchObject({ ok: true });
  token = (await deployments.deployToken('n1')) ?? '';
  const log = createLog('silent');
  const deps = {
    deployments,
    imagePath: (of: { sha256: string }) => join(dir, of.sha256),
    sendFile: createSendFile({ log }),
    engine: {
      callback: (...call: unknown[]) => {
        calls.push(call);
        return Promise.resolve('accepted');
      },
    },
    record,
    now: () => clock,
  } as unknown as SouthboundDeps;
  server = await startTestServer(createHttpApp([{ handler: createRouter(deployRoutes(deps), { log }) }]));
});
afterEach(async () => {
  await server.close();
  await open.close();
  rmSync(dir, { recursive: true, force: true });
});

const at = (path: string, secret = token): string => `${server.url}/deploy/${secret}/${path}`;
const post = (path: string, body: string, headers: Record<string, string> = json, secret = token) =>
  ask(at(path, secret), { method: 'POST', body, headers });

test('the image, whole and in part', async () => {
  expect(await ask(at('image'))).toMatchObject({ status: 200, text: bytes.toString() });
  const part = await ask(at('image'), { headers: { range: 'bytes=4-' } });
  expect(part).toMatchObject({ status: 206, text: bytes.subarray(4).toString() });
  expect(facts.map(({ kind, how, nodeId, runId }) => ({ kind, how, nodeId, runId }))).toEqual(
    [1, 2].map(() => ({ kind: 'boot.file', how: 'token', nodeId: 'n1', runId: 'r1' })),
  );
});

test('an image that was removed meanwhile is missing, and a fact', async () => {
  rmSync(join(dir, sha256));
  expect((await ask(at('image'))).status).toBe(404);
  expect(facts).toMatchObject([{ kind: 'boot.file-failed', runId: 'r1' }]);
});

test.each(['seed', 'disk-seed'])('the documents of the %s', async (place) => {
  const metaData = await ask(at(`${place}/meta-data`));
  expect(metaData).toMatchObject({ status: 200, headers: { 'cache-control': 'no-store' } });
  expect(metaData.text).toContain('instance-id: "r1"');
  expect((await ask(at(`${place}/vendor-data`))).text).toContain(
    `url='http://172.31.128.1:9080/deploy/${token}/phone-home'`,
  );
  expect((await ask(at(`${place}/user-data`))).text).toContain('Content-Type: text/x-shellscript');
  expect((await ask(at(`${place}/passwd`))).status).toBe(400);
});

test('progress is kept, and now and then a fact', async () => {
  for (const [second, part] of [0, 10, 20, 90, 100].entries()) {
    clock = new Date(Date.UTC(2026, 0, 1, 0, 0, second));
    expect((await post('progress', JSON.stringify({ step: 'write', bytes: part, total: 100 }))).status).toBe(204);
  }
  const kept = await open.store.deployments.get('r1');
  expect(kept?.progress).toMatchObject({ step: 'write', bytes: 100, total: 100, at: '2026-01-01T00:00:04.000Z' });
  expect(facts.map(({ kind }) => kind)).toEqual(Array.from({ length: 5 }, () => 'deploy.progress'));
});

test.each([
  '{}',
  '{"step":"../x","bytes":1,"total":1}',
  '{"step":"write","bytes":-1,"total":1}',
  '{"step":"write","bytes":1e99,"total":1}',
  '{',
  `"${'x'.repeat(2000)}"`,
])('progress %j is refused', async (body) => {
  expect((await post('progress', body)).status).toBeGreaterThanOrEqual(400);
  expect(facts).toEqual([]);
});

describe('a system that calls home', () => {
  const form =
    'hostname=web1&kernel=6.1.0&addresses=172.31.128.50,fe80::1&os=Debian+GNU/Linux+12+(bookworm)&machineId=abc&pub_key_rsa=x';

  test('tells what it is, and ends the wait of its run', async () => {
    expect(await post('phone-home', form, { 'content-type': 'application/x-www-form-urlencoded' })).toMatchObject({
      status: 200,
    });
    const system = {
      hostname: 'web1',
      kernel: '6.1.0',
      os: 'Debian GNU/Linux 12 (bookworm)',
      machineId: 'abc',
      addresses: ['172.31.128.50', 'fe80::1'],
      at: clock.toISOString(),
    };
    expect(calls).toEqual([['r1', 'phone-home', { ok: true, context: { system } }]]);
    expect(facts).toMatchObject([{ kind: 'deploy.home', nodeId: 'n1', runId: 'r1', data: system }]);
    expect((await open.store.deployments.get('r1'))?.system).toEqual(system);
  });

  test('twice is one fact, and harmless', async () => {
    for (const body of [form, JSON.stringify({ hostname: 'other' })])
      expect((await post('phone-home', body)).status).toBe(200);
    expect(facts).toHaveLength(1);
    expect((await open.store.deployments.get('r1'))?.system?.hostname).toBe('web1');
  });

  test.each([
    ['nothing', '', { hostname: 'unknown', addresses: [] }],
    ['JSON', '{"hostname":"a","addresses":["10.0.0.1","<script>"]}', { hostname: 'a', addresses: ['10.0.0.1'] }],
    ['what steers terminals', 'hostname=%1b%5b2Jx%0a', { hostname: '[2Jx' }],
  ])('with %s', async (_, body, system) => {
    expect((await post('phone-home', body, { 'content-type': 'text/plain' })).status).toBe(200);
    expect((await open.store.deployments.get('r1'))?.system).toMatchObject(system);
  });

  test.each([
    ['broken JSON', '{"a"', 400],
    ['too much', 'x'.repeat(70_000), 413],
  ])('with %s is refused', async (_, body, status) => {
    expect((await post('phone-home', body, {})).status).toBe(status);
    expect(calls).toEqual([]);
  });
});

describe('everything is nothing', () => {
  const statuses = async (secret: string): Promise<number[]> => {
    const answers = [
      ...['image', 'seed/user-data', 'disk-seed/user-data'].map((path) => ask(at(path, secret))),
      post('progress', '{"step":"write","bytes":1,"total":1}', json, secret),
      post('phone-home', '', json, secret),
    ];
    return (await Promise.all(answers)).map(({ status }) => status);
  };
  const nothing = [404, 404, 404, 404, 404];
  afterEach(() => {
    expect([...facts, ...calls]).toEqual([]);
  });

  test.each(['x', 'a'.repeat(43), 'r1', '%00'])('for the token %j', async (secret) => {
    expect(await statuses(secret)).toEqual(nothing);
  });
  test('once the run has ended', async () => {
    await endRun('r1');
    expect(await statuses(token)).toEqual(nothing);
    expect(await deployments.deployToken('n1')).toBeUndefined();
  });
  test('once the deployment was ended', async () => {
    await deployments.end('r1');
    expect(await statuses(token)).toEqual(nothing);
  });
});

describe('what is written down', () => {
  test('shows no secret', async () => {
    const kept = JSON.stringify(await open.store.deployments.get('r1'));
    for (const secret of [token, '$6$salt$hash', 'secret-of-the-operator']) expect(kept).not.toContain(secret);
  });
  test('is written once for a run', async () => {
    const again = await prepare('r1');
    expect(again).toMatchObject({ ok: true, deployment: { version: 1 } });
    expect(await deployments.deployToken('n1')).toBe(token);
  });
  test("has another token for the node's next run", async () => {
    await endRun('r1');
    await startRun('r2');
    await prepare('r2');
    const next = await deployments.deployToken('n1');
    expect(next).toMatch(/^[\w-]{43}$/);
    expect(next).not.toBe(token);
  });
  test('needs an image that is there, and that takes what was asked for', async () => {
    expect(
      await deployments.prepare({ runId: 'r9', nodeId: 'n1', request: { ...request, image: 'gone' } }),
    ).toMatchObject({ ok: false, reason: 'no-image' });
    image.cloudInit = false;
    expect(await prepare('r9')).toMatchObject({
      ok: false,
      reason: 'options',
      message: expect.stringContaining('has no cloud-init') as string,
    });
    image.cloudInit = true;
  });
});

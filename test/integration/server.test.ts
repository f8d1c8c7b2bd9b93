import { request } from 'node:http';
import { connect } from 'node:net';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { waitFor } from '../../src/lab/wait.ts';
import { openServerPlace, redisOf, residentBytes, startRackwright, type ServerPlace } from '../support/server.ts';
import { openTestWorld } from '../support/world.ts';

/** The program as its users run it: started, asked, stopped, killed. */

let place: ServerPlace;
const open = (number: number, overrides?: Readonly<Record<string, unknown>>): ServerPlace =>
  (place = openServerPlace(number, overrides));
afterEach(() => place.close());

const adminPort = (): number => Number(new URL(place.url).port);
const httpPort = (): number => adminPort() + 1;
const redisPid = (): number | undefined => redisOf(place.directory);

describe('serve', () => {
  test('answers /healthz, and SIGTERM ends it and its redis-server', async () => {
    const server = open(24).serve();
    await place.healthy(server);
    const health = await (await fetch(`${place.url}/healthz`)).json();
    expect(health).toEqual({ ok: true, parts: { store: { ok: true }, redis: { ok: true } } });
    expect(redisPid()).toBeDefined();
    server.process.kill('SIGTERM');
    expect(await server.ended).toEqual({ code: 0, signal: null });
    expect(server.output()).toContain('server.stopped');
    expect(place.processes()).toEqual([]);
  }, 60_000);

  test('SIGTERM ends event streams, and lets what is being answered be answered', async () => {
    const server = open(24).serve();
    await place.healthy(server);
    const stream = await fetch(`${place.url}/events`);
    const body = '{"name": "of-a-slow-client", "type": "compute"}';
    const slow = request(`${place.url}/api/2.0/nodes`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'content-length': body.length },
    });
    slow.write(body.slice(0, 10));
    await waitFor('the slow request', () => (slow.socket?.bytesWritten ?? 0) > 0 || undefined, { deadlineMs: 5000 });
    // One more answer on another connection: by then the server has the head of the slow one.
    await fetch(`${place.url}/healthz`);
    server.process.kill('SIGTERM');
    await stream.text();
    const answered = once(slow, 'response');
    slow.end(body.slice(10));
    const [response] = (await answered) as [{ statusCode: number; resume: () => void }];
    response.resume();
    expect(response.statusCode).toBe(201);
    expect((await server.ended).code).toBe(0);
  }, 60_000);

  test('a second SIGTERM ends it at once; the next server adopts its redis-server', async () => {
    const server = open(24).serve();
    await place.healthy(server);
    const redis = redisPid();
    // A request that never ends keeps the server draining.
    const stuck = connect(adminPort(), '127.0.0.1');
    stuck.on('error', () => undefined);
    stuck.write('POST /api/2.0/nodes HTTP/1.1\r\nhost: localhost\r\ncontent-length: 9\r\n\r\n{');
    await fetch(`${place.url}/healthz`);
    server.process.kill('SIGTERM');
    await server.until(/server\.stopping/);
    server.process.kill('SIGTERM');
    expect(await server.ended).toEqual({ code: 130, signal: null });
    stuck.destroy();

    const next = place.serve();
    await place.healthy(next);
    expect(next.output()).toContain('redis.adopted');
    expect(redisPid()).toBe(redis);
  }, 60_000);

  test('told to stop while it starts, it stops in order', async () => {
    const server = open(24).serve();
    await server.until(/redis\.started/);
    server.process.kill('SIGTERM');
    expect((await server.ended).code).toBe(0);
    expect(place.processes()).toEqual([]);
  }, 60_000);

  test('after SIGKILL the next server adopts the redis-server that is left, and keeps the data', async () => {
    const server = open(24).serve();
    await place.healthy(server);
    const redis = redisPid();
    const headers = { 'content-type': 'application/json' };
    const body = JSON.stringify({ name: 'kept', type: 'compute' });
    await fetch(`${place.url}/api/2.0/nodes`, { method: 'POST', headers, body });
    await server.stop('SIGKILL');
    expect(redisPid()).toBe(redis);

    const next = place.serve();
    await place.healthy(next);
    expect(redisPid()).toBe(redis);
    const { items } = (await (await fetch(`${place.url}/nodes`)).json()) as { items: { name: string }[] };
    expect(items.map(({ name }) => name)).toEqual(['kept']);
    await next.stop();
    expect(place.processes()).toEqual([]);
  }, 60_000);

  test('a data directory has one server: the second names the first, and leaves it alone', async () => {
    const first = open(24).serve();
    await place.healthy(first);
    const second = place.serve();
    expect((await second.ended).code).toBe(1);
    const words = `data directory ${place.dataDir} is in use by another server (process ${first.process.pid ?? 0} on `;
    expect(second.output()).toContain(words);
    expect((await fetch(`${place.url}/healthz`)).status).toBe(200);
  }, 60_000);

  test('roles: only what was picked is there', async () => {
    const server = open(24).serve('--roles', 'api,worker');
    await place.healthy(server);
    expect(await listens(adminPort(), '127.0.0.1')).toBe(true);
    expect(await listens(httpPort(), '127.54.0.1')).toBe(false);
    await server.stop();

    const southbound = place.serve('--roles', 'southbound');
    await southbound.until(/"ready"/);
    expect(await listens(httpPort(), '127.54.0.1')).toBe(true);
    expect(await listens(adminPort(), '127.0.0.1')).toBe(false);
    await southbound.stop();
    expect(place.processes()).toEqual([]);
  }, 60_000);
});

describe('config', () => {
  test('what sample prints is accepted by check, and show tells where each value came from', async () => {
    open(24);
    const file = join(place.directory, 'sample.yaml');
    const sample = startRackwright(['config', 'sample']);
    expect((await sample.ended).code).toBe(0);
    writeFileSync(file, sample.output());
    const check = startRackwright(['config', 'check', '--config', file]);
    expect((await check.ended).code).toBe(0);
    expect(check.output()).toBe('the configuration is right\n');

    const environment = { RACKWRIGHT_MONGODB_URL: 'mongodb://user:hush@example' };
    const show = startRackwright(['config', 'show', '--config', place.configFile, '--log-level', 'debug'], environment);
    expect((await show.ended).code).toBe(0);
    expect(show.output()).toMatch(/^log\.level +debug +--log-level$/m);
    expect(show.output()).toMatch(new RegExp(`^admin\\.port +${adminPort()} +${place.configFile}$`, 'm'));
    expect(show.output()).toMatch(/^mongodb\.url +\(hidden\) +RACKWRIGHT_MONGODB_URL$/m);
    expect(show.output()).toMatch(/^store +sqlite +default$/m);
    expect(show.output()).not.toContain('hush');
  }, 60_000);

  test.each([
    ['an unknown key', 'admin:\n  prot: 1\n', /admin\.prot \(from .*wrong\.yaml\): is not an option/],
    [
      'a wrong value',
      'admin:\n  port: 99999\n',
      /admin\.port \(from .*wrong\.yaml\): expected a port number, 1 to 65535/,
    ],
    ['no YAML', 'admin: [', /wrong\.yaml is not YAML/],
    [
      'a pool outside its subnet',
      'southbound:\n  subnets: [{ cidr: 10.0.0.0/24, addresses: true, pools: [10.0.1.1-10.0.1.9] }]\n',
      /southbound\.subnets\[0\]\.pools\[0\]\.from: expected an address inside 10\.0\.0\.0\/24/,
    ],
    ['an API open to all', 'admin:\n  address: 0.0.0.0\n', /admin\.address: /],
  ])(
    'check refuses %s, and names it',
    async (_name, text, words) => {
      open(24);
      const file = join(place.directory, 'wrong.yaml');
      writeFileSync(file, text);
      const check = startRackwright(['config', 'check', '--config', file]);
      expect((await check.ended).code).toBe(1);
      expect(check.output()).toMatch(words);
    },
    30_000,
  );
});

test('memory of a server, before and after it discovered a rack', async () => {
  open(24);
  const world = await openTestWorld({ number: 25, count: 20, bmcs: false });
  try {
    const before = residentBytes(world.serverPid());
    for (const { node } of world.fleet.machines) node.powerOn();
    await world.allInState('discovered');
    const after = residentBytes(world.serverPid());
    process.stdout.write(`server: ${mebibytes(before)} MiB at start, ${mebibytes(after)} MiB after 20 discoveries\n`);
    expect(after).toBeGreaterThan(0);
  } finally {
    await world.close();
  }
}, 110_000);

function mebibytes(bytes: number): number {
  return Math.round(bytes / 2 ** 20);
}

function listens(port: number, host: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host });
    const end = (answer: boolean) => () => {
      socket.destroy();
      resolve(answer);
    };
    socket.on('connect', end(true));
    socket.on('error', end(false));
  });
}

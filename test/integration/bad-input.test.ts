import { spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openServerPlace, startRackwright, type ServerPlace } from '../support/server.ts';
import { watch, type Started } from '../support/started.ts';

/** A server that cannot start says why in a sentence, with what to do, ends with code 1, and leaves nothing behind. */

const number = 26;
const base = 21_000 + number * 10;
const address = `127.${30 + number}.0.1`;

let place: ServerPlace;
const helpers: Started[] = [];
afterEach(async () => {
  await Promise.all(helpers.splice(0).map((helper) => helper.stop('SIGKILL')));
  await place.close();
});

async function refused(server: Started): Promise<string> {
  expect((await server.ended).code).toBe(1);
  const lines = server.output().split('\n');
  const words = lines.slice(lines.findIndex((line) => line.startsWith('rackwright: '))).join('\n');
  expect(words).toMatch(/^rackwright: /);
  expect(words).not.toMatch(/^ {4}at /m);
  expect(place.processes()).toEqual([]);
  return words;
}

async function refusedWith(overrides: Readonly<Record<string, unknown>>): Promise<string> {
  place = openServerPlace(number, overrides);
  return refused(place.serve());
}

describe('network', () => {
  test('an interface that does not exist: names it, and what there is', async () => {
    expect(await refusedWith({ southbound: { interface: 'nope0' } })).toMatch(
      /this machine has no interface nope0 .*; it has .*lo 127\.0\.0\.1\/8/,
    );
  }, 30_000);

  test("an address that is nobody's here", async () => {
    expect(await refusedWith({ southbound: { address: '192.0.2.1' } })).toMatch(/has no address 192\.0\.2\.1; it has /);
  }, 30_000);

  test('no interface at all', async () => {
    expect(await refusedWith({ southbound: { address: undefined } })).toMatch(
      /southbound\.interface: expected the interface that nodes boot from/,
    );
  }, 30_000);

  test('a subnet whose pool lies outside it', async () => {
    const subnets = [{ cidr: '127.56.0.0/16', addresses: true, boot: true, pools: ['10.0.0.1-10.0.0.9'] }];
    expect(await refusedWith({ southbound: { subnets } })).toMatch(/southbound\.subnets.*10\.0\.0\.1/);
  }, 30_000);

  test('an admin address that others reach, without anybody having said so', async () => {
    expect(await refusedWith({ admin: { address: '0.0.0.0' } })).toMatch(/set admin\.auth to none if that is meant/);
  }, 30_000);

  test.each([
    ['DHCP', 'udp', base + 2, address],
    ['proxyDHCP', 'udp', base + 3, address],
    ['TFTP', 'udp', base + 4, address],
    ['southbound HTTP', 'tcp', base + 1, address],
    ['admin HTTP', 'tcp', base, '127.0.0.1'],
  ] as const)(
    'the %s port is taken: names the program that has it',
    async (_name, protocol, port, at) => {
      const holder = await holdPort(protocol, port, at);
      const words = await refusedWith({});
      expect(words).toContain(
        `${protocol.toUpperCase()} port ${port} on ${at} is in use by node (process ${holder.process.pid ?? 0})`,
      );
      expect(words).toContain('Stop that program, or configure another port.');
    },
    30_000,
  );
});

describe('data', () => {
  test('a file where the data directory should be', async () => {
    place = openServerPlace(number);
    writeFileSync(place.dataDir, '');
    expect(await refused(place.serve())).toContain(`data directory ${place.dataDir}: cannot be made, read and written`);
  }, 30_000);

  test('a place where nobody can write', async () => {
    expect(await refusedWith({ dataDir: '/proc/rackwright' })).toContain(
      'data directory /proc/rackwright: cannot be made, read and written by this user. Choose another',
    );
  }, 30_000);

  test('a directory that others may enter', async () => {
    place = openServerPlace(number);
    mkdirSync(join(place.dataDir, 'something'), { recursive: true, mode: 0o755 });
    expect(await refused(place.serve())).toContain(`chmod 700 ${place.dataDir}`);
  }, 30_000);

  test.each([
    ['no database', 'x'.repeat(8192)],
    ['a damaged one', `SQLite format 3\0${'\xff'.repeat(8192)}`],
  ])(
    'a database file that is %s',
    async (_name, content) => {
      place = openServerPlace(number);
      mkdirSync(place.dataDir, { mode: 0o700 });
      const file = join(place.dataDir, 'rackwright.db');
      writeFileSync(file, content, 'latin1');
      expect(await refused(place.serve())).toContain(file);
    },
    30_000,
  );

  test('a key file that is none', async () => {
    place = openServerPlace(number);
    mkdirSync(place.dataDir, { mode: 0o700 });
    writeFileSync(join(place.dataDir, 'keys.json'), '{', { mode: 0o600 });
    expect(await refused(place.serve())).toContain(join(place.dataDir, 'keys.json'));
  }, 30_000);
});

test('no redis-server in PATH: says what installs it', async () => {
  place = openServerPlace(number);
  const server = startRackwright(['serve', '--config', place.configFile], { PATH: place.directory });
  helpers.push(server);
  expect(await refused(server)).toContain("install it with 'apt-get install redis-server'");
}, 30_000);

/** Another program that has the port open. */
async function holdPort(protocol: 'udp' | 'tcp', port: number, at: string): Promise<Started> {
  const program =
    protocol === 'udp'
      ? `require('dgram').createSocket('udp4').bind(${port}, '${at}', () => console.log('holding'))`
      : `require('net').createServer().listen(${port}, '${at}', () => console.log('holding'))`;
  const holder = watch(spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'pipe', 'pipe'] }));
  helpers.push(holder);
  await holder.until(/holding/);
  return holder;
}

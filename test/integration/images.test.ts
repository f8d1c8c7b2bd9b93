import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { waitFor } from '../../src/lab/wait.ts';
import { diskImage } from '../support/disk-image.ts';
import { openServerPlace, startRackwright, type ServerPlace } from '../support/server.ts';
import type { Started } from '../support/started.ts';

/** Images brought to a running server as its users do: by curl and by the command line; killed and full in the middle. */

let place: ServerPlace;
let server: Started;
const open = async (images: object = {}): Promise<void> => {
  place = openServerPlace(62, { images });
  server = place.serve();
  await place.healthy(server);
};
afterEach(() => place.close());

const disk = diskImage({ bytes: 8 * 1024 * 1024 });
const file = (name: string, bytes: Uint8Array): string => {
  const path = join(place.directory, name);
  writeFileSync(path, bytes);
  return path;
};

/** Standard output with the status behind it. */
function curl(...args: string[]): string {
  const { stdout, stderr, error } = spawnSync('curl', ['-sS', '-w', ' %{http_code}', ...args], { encoding: 'utf8' });
  if (error) throw new Error('curl is missing: apt-get install curl', { cause: error });
  return stdout + stderr;
}

const images = async (): Promise<unknown> => await (await fetch(`${place.url}/images`)).json();
const uploads = (): string[] => readdirSync(join(place.dataDir, 'images/uploads'));

test('curl: what is sent whole is taken, what was changed on its way is refused with a hint', async () => {
  await open();
  const path = file('disk.raw', disk);
  expect(curl('--upload-file', path, `${place.url}/images/put`)).toMatch(/"name":"put".* 201$/);
  expect(curl('-X', 'POST', '--upload-file', path, `${place.url}/images?name=post`)).toMatch(/"name":"post".* 201$/);
  for (const way of ['-d', '--data-binary']) {
    expect(curl(way, `@${path}`, `${place.url}/images?name=form`)).toMatch(/--upload-file.* 415$/);
  }
  const octets = ['-H', 'content-type: application/octet-stream'];
  expect(curl('--data-binary', `@${path}`, ...octets, `${place.url}/images?name=octets`)).toMatch(/ 201$/);
  expect(curl('-d', `@${path}`, ...octets, `${place.url}/images?name=cut`)).toMatch(/--upload-file.* 422$/);
  expect(curl('-F', `file=@${path}`, `${place.url}/images?name=form`)).toMatch(/--upload-file.* 415$/);
  const piped = spawnSync('sh', ['-c', `curl -sS -w ' %{http_code}' -T - ${place.url}/images/piped < ${path}`], {
    encoding: 'utf8',
  });
  expect(piped.stdout).toMatch(/sha256=.* 411$/);
  // Those of one second stand in any order.
  const { items } = (await images()) as { items: { name: string }[] };
  expect(items.map(({ name }) => name).sort()).toEqual(['octets', 'post', 'put']);
  expect(uploads()).toEqual([]);
}, 120_000);

test('curl: a client that is ended in the middle leaves nothing', async () => {
  await open();
  const path = file('disk.raw', disk);
  const slow = spawn('curl', ['-sS', '--limit-rate', '1M', '--upload-file', path, `${place.url}/images/slow`]);
  await waitFor('bytes', () => uploads().length === 1 || undefined, { deadlineMs: 20_000 });
  slow.kill('SIGKILL');
  await waitFor('the end', () => uploads().length === 0 || undefined, { deadlineMs: 20_000 });
  expect(await images()).toEqual({ items: [] });
}, 120_000);

test('a server that is killed in the middle of an upload goes on with it, and forgets one that cannot be continued', async () => {
  await open();
  const path = file('disk.raw', disk);
  const once = spawn('curl', ['-sS', '--limit-rate', '1M', '--upload-file', path, `${place.url}/images/once`]);
  const created = await fetch(`${place.url}/image-uploads`, {
    method: 'POST',
    headers: {
      'upload-length': String(disk.length),
      'upload-metadata': `name ${Buffer.from('pieces').toString('base64')}`,
    },
  });
  const upload = place.url + (created.headers.get('location') ?? '');
  const offset = async (): Promise<number> =>
    Number((await fetch(upload, { method: 'HEAD' })).headers.get('upload-offset'));
  const patch = (from: number) =>
    request(upload, {
      method: 'PATCH',
      headers: {
        'upload-offset': from,
        'content-type': 'application/offset+octet-stream',
        'content-length': disk.length - from,
      },
    });
  const broken = patch(0).on('error', () => undefined);
  broken.write(disk.subarray(0, 5_000_000));
  await waitFor('5 MB', async () => ((await offset()) === 5_000_000 && uploads().length === 2) || undefined, {
    deadlineMs: 30_000,
  });
  await server.stop('SIGKILL');
  once.kill('SIGKILL');

  server = place.serve();
  await place.healthy(server);
  expect(uploads()).toHaveLength(1);
  expect(await offset()).toBe(5_000_000);
  const status = await new Promise((resolve) => {
    patch(5_000_000)
      .on('response', (response) => {
        response.resume();
        resolve(response.statusCode);
      })
      .end(disk.subarray(5_000_000));
  });
  expect(status).toBe(204);
  expect(await images()).toMatchObject({ items: [{ name: 'pieces', state: 'ready', rawBytes: disk.length }] });
}, 120_000);

test('the command line sends a file, and goes on where a killed server comes back', async () => {
  await open();
  const path = file('Debian 12.raw', diskImage({ bytes: 512 * 1024 * 1024 }));
  const add = startRackwright(['images', 'add', path, '--server', place.url, '--os', 'Debian 12', '--no-cloud-init']);
  await add.until(/sending/, 60_000);
  await server.stop('SIGKILL');
  server = place.serve();
  await place.healthy(server);
  expect(await add.ended).toEqual({ code: 0, signal: null });
  expect(add.output()).toMatch(/image debian-12 is there: 537 MB on disk, boots by bios and uefi/);
  const list = startRackwright(['images', 'list', '--server', place.url]);
  await list.ended;
  expect(list.output()).toMatch(/debian-12 +Debian 12 +bios uefi +537 MB +537 MB +raw +no +ready/);
}, 240_000);

test('a full disk is told in words, and the server stays well', async () => {
  await open({ keepFreeBytes: Number.MAX_SAFE_INTEGER });
  const path = file('disk.raw', disk);
  expect(curl('--upload-file', path, `${place.url}/images/debian`)).toMatch(/images\.keepFreeBytes.* 507$/);
  expect(uploads()).toEqual([]);
  expect((await fetch(`${place.url}/healthz`)).status).toBe(200);
}, 120_000);

test('a disk that becomes full in the middle is told in words, and is free again', async () => {
  await open();
  const small = join(place.directory, 'small');
  mkdirSync(small);
  await server.stop();
  // A mount of the test's own, gone with its namespace.
  const full = spawn(
    'unshare',
    ['-m', 'sh', '-c', 'mount -t tmpfs -o size=12m none "$1" && shift && exec "$@"', 'sh', small]
      .concat([process.execPath, 'src/main.ts', 'serve', '--config', place.configFile])
      .concat(['--images-dir', join(small, 'images'), '--images-keep-free-bytes', '0']),
    { stdio: 'ignore' },
  );
  try {
    const health = () => fetch(`${place.url}/healthz`).catch(() => undefined);
    await waitFor('the server', async () => ((await health())?.status === 200 ? true : undefined), {
      deadlineMs: 60_000,
    });
    const path = file('large.raw', Buffer.concat([disk, disk]));
    const sha256 = 'ab'.repeat(32);
    // In chunks: its length would be told, and refused, before the first byte.
    const chunked = ['-H', 'transfer-encoding: chunked', '--upload-file', path];
    expect(curl(...chunked, `${place.url}/images/large?sha256=${sha256}`)).toMatch(/disk is full.* 507$/);
    expect(curl('--upload-file', file('disk.raw', disk), `${place.url}/images/small`)).toMatch(/ 201$/);
    expect((await health())?.status).toBe(200);
  } finally {
    full.kill('SIGTERM');
    await new Promise((resolve) => full.once('exit', resolve));
  }
}, 120_000);

import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import type { RequestListener } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClient } from '../../src/cli/client.ts';
import { imagesCommand } from '../../src/cli/commands/images.ts';
import { sendFile } from '../../src/cli/send-file.ts';
import { startWorld, type ApiWorld } from '../api/world.ts';
import { diskImage } from '../support/disk-image.ts';
import { startTestServer } from '../support/http.ts';

let world: ApiWorld;
let directory: string;
beforeAll(async () => {
  world = await startWorld();
  directory = await mkdtemp(join(tmpdir(), 'rackwright-cli-images-'));
});
afterEach(async () => {
  for (const { id } of (await world.store.images.find({})).items) await world.deps.images.remove(id);
  for (const { record } of world.deps.images.uploads()) await world.deps.images.abandon(record.id);
});
afterAll(async () => {
  await world.close();
  await rm(directory, { recursive: true });
});

async function run(...args: string[]): Promise<string[]> {
  const lines: string[] = [];
  const command = imagesCommand((line) => lines.push(line), { write: () => undefined });
  await command.parseAsync([...args, '--server', world.url], { from: 'user' });
  return lines;
}

const disk = diskImage({ bytes: 1024 * 1024 });
const sha256 = createHash('sha256').update(disk).digest('hex');
const file = async (name: string, bytes: Uint8Array = disk): Promise<string> => {
  const path = join(directory, name);
  await writeFile(path, bytes);
  return path;
};

test('a file is added, listed, shown and removed', async () => {
  expect(await run('list')).toEqual(['no images']);
  const added = await run(
    'add',
    await file('Debian 12.raw'),
    '--os',
    'Debian',
    '--no-cloud-init',
    '--boot-modes',
    'uefi',
  );
  expect(added).toEqual(['image debian-12 is there: 1.0 MB on disk, boots by uefi']);
  expect(await run('list')).toEqual([
    'NAME       OS      BOOTS  ON DISK  FILE    FORMAT  CLOUD-INIT  STATE',
    'debian-12  Debian  uefi   1.0 MB   1.0 MB  raw     no          ready',
  ]);
  expect(JSON.parse((await run('list', '--json'))[0] ?? '')).toMatchObject({ name: 'debian-12', sha256 });
  expect((await run('show', 'debian-12')).join('\n')).toMatch(new RegExp(`sha256 +${sha256}`));
  expect(await run('remove', 'debian-12')).toEqual(['image debian-12 is removed']);
  await expect(run('remove', 'debian-12')).rejects.toThrow("There is no image 'debian-12'");
});

test('an upload that broke off is continued when the same file is added again', async () => {
  const begun = await world.deps.images.begin({
    way: 'resumable',
    metadata: { name: 'disk', cloudInit: true, sha256 },
    length: disk.length,
  });
  const id = begun.ok ? begun.upload.record.id : '';
  await world.deps.images.append(
    id,
    0,
    (async function* () {
      await Promise.resolve();
      yield disk.subarray(0, 700_000);
    })(),
  );
  await run('add', await file('disk.img'));
  expect(world.deps.images.uploads().map(({ record }) => record.id)).toEqual([id]);
  expect(await world.deps.images.find('disk')).toMatchObject({ sha256 });
});

test('an address is fetched by the server', async () => {
  const server = await startTestServer((_request, response) => response.end(disk));
  try {
    expect(await run('add', `${server.url}/pub/web.raw?x=1`)).toEqual([expect.stringContaining('image web is there')]);
  } finally {
    await server.close();
  }
});

test.each<[string, () => Promise<string[]>, string]>([
  ['is not there', () => run('add', join(directory, 'none')), 'cannot be read'],
  ['is a directory', () => run('add', directory), 'expected a file'],
  ['has another checksum', async () => run('add', await file('x.raw'), '--sha256', '0'.repeat(64)), sha256],
  ['gives no name', async () => run('add', await file('.raw')), '--name'],
  ['is no disk', async () => run('add', await file('x.txt', Buffer.from('hello')), '--name', 'x'), 'not a disk image'],
  ['boots by magic', async () => run('add', await file('x.raw'), '--boot-modes', 'magic'), 'bootModes'],
])('a file that %s is refused in words', async (_what, attempt, words) => {
  await expect(attempt()).rejects.toThrow(words);
});

describe('sending', () => {
  /** A tus server that takes `each` bytes of a request, then breaks the connection or answers `status`. */
  function taking(each: number, status?: number): { listener: RequestListener; got: () => Buffer } {
    let got = Buffer.alloc(0);
    const listener: RequestListener = (request, response) => {
      if (request.method === 'HEAD') {
        response.writeHead(200, { 'upload-offset': got.length }).end();
        return;
      }
      const end = got.length + each;
      request.on('data', (chunk: Buffer) => {
        got = Buffer.concat([got, chunk]).subarray(0, end);
        if (got.length < end) return;
        if (status === undefined) request.socket.destroy();
        else if (!response.headersSent) response.writeHead(status).end();
      });
      request.on('end', () => response.headersSent || response.writeHead(204).end());
      request.on('error', () => undefined);
    };
    return { listener, got: () => got };
  }

  async function send(listener: RequestListener): Promise<void> {
    const server = await startTestServer(listener);
    try {
      await sendFile({
        client: createClient(server.url),
        place: '/image-uploads/x',
        file: await file('disk.raw'),
        bytes: disk.length,
        signal: new AbortController().signal,
        retryMs: 1,
      });
    } finally {
      await server.close();
    }
  }

  test('goes on where the connection broke, as often as it brings something', async () => {
    const { listener, got } = taking(60_000);
    await send(listener);
    expect(got().equals(disk)).toBe(true);
  });

  test('goes on where the server did not notice that the last connection is gone', async () => {
    const { listener, got } = taking(300_000, 423);
    await send(listener);
    expect(got().equals(disk)).toBe(true);
  });

  test('gives up where nothing comes through', async () => {
    await expect(send(taking(0).listener)).rejects.toThrow('the file could not be sent');
  });
});

import { createHash } from 'node:crypto';
import { rm, truncate } from 'node:fs/promises';
import { waitFor } from '../../../src/lab/wait.ts';
import type { ImageMetadata } from '../../../src/images/upload.ts';
import type { Deployment } from '../../../src/model/deployment.ts';
import type { Draft } from '../../../src/model/document.ts';
import { diskImage } from '../../support/disk-image.ts';
import { ask, startTestServer, type Answer, type TestServer } from '../../support/http.ts';
import { startWorld, type ApiWorld } from '../world.ts';

let world: ApiWorld;
beforeAll(async () => {
  world = await startWorld();
});
afterEach(async () => {
  for (const { record } of world.deps.images.uploads()) await world.deps.images.abandon(record.id);
  await world.store.deployments.deleteWhere({});
  for (const { id } of (await world.store.images.find({})).items) await world.deps.images.remove(id);
});
afterAll(() => world.close());

const disk = diskImage({ bytes: 256 * 1024 });
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
const send = (
  method: string,
  path: string,
  body?: Uint8Array | string,
  headers: Record<string, string> = {},
): Promise<Answer> => ask(world.url + path, { method, headers, ...(body === undefined ? {} : { body }) });
const detail = (answer: Answer): string => (answer.json as { detail: string }).detail;

describe('an image in one request', () => {
  test.each([
    ['POST', '/images?name=debian-12&os=Debian%2012&cloudInit=false'],
    ['PUT', '/images/debian-12?os=Debian%2012&cloudInit=false'],
  ])('%s answers 201 when it is there', async (method, path) => {
    const added = await send(method, path, disk);
    const image = {
      id: expect.any(String) as string,
      name: 'debian-12',
      os: 'Debian 12',
      state: 'ready',
      sha256: sha256(disk),
      sizeBytes: disk.length,
      format: 'raw',
      rawBytes: disk.length,
      rawSha256: sha256(disk),
      bootModes: ['bios', 'uefi'],
      cloudInit: false,
      createdAt: expect.any(String) as string,
    };
    expect([added.status, added.json]).toEqual([201, image]);
    const { id } = added.json as { id: string };
    expect(added.headers.location).toBe(`/images/${id}`);
    for (const word of [id, 'debian-12']) expect((await send('GET', `/images/${word}`)).json).toEqual(added.json);
    expect((await send('GET', '/images')).json).toEqual({ items: [added.json] });
    expect((await send('GET', '/images?name=other')).json).toEqual({ items: [] });
  });

  test('may come in chunks where its checksum is given', async () => {
    const chunked = { 'transfer-encoding': 'chunked' };
    const unsaid = await send('PUT', '/images/debian', disk, chunked);
    expect([unsaid.status, detail(unsaid)]).toEqual([411, expect.stringContaining('--upload-file')]);
    const said = await send('PUT', `/images/debian?sha256=${sha256(disk).toUpperCase()}`, disk, chunked);
    expect(said.status).toBe(201);
  });

  test('with another checksum is refused with a hint', async () => {
    const answer = await send('PUT', `/images/debian?sha256=${'0'.repeat(64)}`, disk);
    expect([answer.status, detail(answer)]).toEqual([422, expect.stringMatching(/SHA-256 is .* --upload-file/)]);
    expect((await send('GET', '/images')).json).toEqual({ items: [] });
  });

  test.each<[number, string, Record<string, string>]>([
    [415, 'curl -d @file drops line ends', { 'content-type': 'application/x-www-form-urlencoded' }],
    [415, 'curl -F', { 'content-type': 'multipart/form-data; boundary=x' }],
    [415, 'Content-Encoding', { 'content-encoding': 'gzip' }],
  ])('is answered %i where it comes otherwise: %s', async (status, words, headers) => {
    const answer = await send('PUT', '/images/debian', disk, headers);
    expect([answer.status, detail(answer)]).toEqual([status, expect.stringContaining(words)]);
    expect(detail(answer)).toContain('--upload-file');
  });

  test('as a form is taken where the checksum shows that nothing was changed', async () => {
    const form = { 'content-type': 'application/x-www-form-urlencoded' };
    expect((await send('POST', `/images?name=debian&sha256=${sha256(disk)}`, disk, form)).status).toBe(201);
  });

  test.each([
    ['POST', '/images', 'query.name'],
    ['PUT', '/images/Debian', 'params.name'],
    ['PUT', `/images/${'a'.repeat(24)}`, 'form of an id'],
    ['PUT', '/images/x?bootModes=coreboot', 'query.bootModes'],
    ['PUT', '/images/x?bootModes=', 'query.bootModes'],
    ['PUT', '/images/x?cloudInit=yes', 'expected true or false'],
    ['PUT', '/images/x?sha256=abc', '64 hexadecimal digits'],
    ['PUT', '/images/x?colour=red', 'colour'],
  ])('%s %s is answered 400: %s', async (method, path, words) => {
    const answer = await send(method, path, disk);
    expect([answer.status, detail(answer)]).toEqual([400, expect.stringContaining(words)]);
  });

  test('that is no file is answered 400, one that is no disk 422', async () => {
    expect((await send('PUT', '/images/x')).status).toBe(400);
    const answer = await send('PUT', '/images/x', '<!DOCTYPE html>');
    expect([answer.status, detail(answer)]).toEqual([422, expect.stringContaining('a web page')]);
  });

  test('of a name that is there is answered 409', async () => {
    await send('PUT', '/images/debian', disk);
    expect((await send('PUT', '/images/debian', disk)).status).toBe(409);
  });

  test('that is too large is answered 413, whatever it says of its length', async () => {
    const length = String(65 * 1024 * 1024);
    const answer = await send('PUT', '/images/x', disk, { 'content-length': length, connection: 'close' });
    expect([answer.status, detail(answer)]).toEqual([413, expect.stringContaining('images.maxBytes')]);
  });
});

describe('an image', () => {
  test('whose file is gone is listed as broken, with the reason', async () => {
    await send('PUT', '/images/debian', disk);
    await truncate(world.deps.images.blobPath({ sha256: sha256(disk) }), 512);
    expect((await send('GET', '/images/debian')).json).toMatchObject({
      state: 'broken',
      problem: expect.stringContaining(`512 bytes instead of ${disk.length}`) as string,
    });
    await rm(world.deps.images.blobPath({ sha256: sha256(disk) }));
    expect((await send('GET', '/images')).json).toMatchObject({ items: [{ state: 'broken' }] });
  });

  test('is removed by name or id; what is not there is answered 404', async () => {
    await send('PUT', '/images/debian', disk);
    expect((await send('DELETE', '/images/debian')).status).toBe(204);
    expect((await send('DELETE', '/images/debian')).status).toBe(404);
    expect((await send('GET', '/images/debian')).status).toBe(404);
  });

  test('is not removed while it is being written to a node', async () => {
    const added = (await send('PUT', '/images/debian', disk)).json as { id: string };
    const deployment = { id: 'run-1', nodeId: 'node-1', imageId: added.id, state: 'active', tokenHash: 'x' };
    await world.store.deployments.insert(deployment as unknown as Draft<Deployment>);
    const answer = await send('DELETE', '/images/debian');
    expect([answer.status, detail(answer)]).toEqual([409, expect.stringContaining('node-1')]);
    expect((await send('GET', '/images/debian')).json).toMatchObject({ state: 'ready' });
  });
});

describe('an image from an address', () => {
  const json = { 'content-type': 'application/json' };
  const request = (body: object): Promise<Answer> => send('POST', '/images', JSON.stringify(body), json);
  let server: TestServer;
  beforeAll(async () => {
    server = await startTestServer((_request, response) => response.end(disk));
  });
  afterAll(() => server.close());

  test('answers 202 with the upload, which tells its end', async () => {
    const begun = await request({ url: `${server.url}/disk.raw`, name: 'debian', os: 'Debian', bootModes: ['uefi'] });
    expect([begun.status, begun.json]).toEqual([
      202,
      expect.objectContaining({ way: 'url', url: `${server.url}/disk.raw` }),
    ]);
    const upload = await waitFor(
      'the end',
      async () => {
        const view = (await send('GET', begun.headers.location ?? '')).json as { state: string; image: string };
        return view.state === 'done' ? view : undefined;
      },
      { deadlineMs: 20_000 },
    );
    expect((await send('GET', `/images/${upload.image}`)).json).toMatchObject({ name: 'debian', bootModes: ['uefi'] });
  });

  test.each<[object, string]>([
    [{ name: 'x' }, 'body.url'],
    [{ name: 'x', url: 'ftp://a/b' }, 'http or https'],
    [{ name: 'x', url: 'http://a/', colour: 'red' }, 'colour'],
    [{ url: 'http://a/' }, 'body.name'],
  ])('%j is answered 400: %s', async (body, words) => {
    const answer = await request(body);
    expect([answer.status, detail(answer)]).toEqual([400, expect.stringContaining(words)]);
  });
});

describe('an upload in pieces (tus 1.0.0)', () => {
  const tus = { 'tus-resumable': '1.0.0' };
  const patch = { ...tus, 'content-type': 'application/offset+octet-stream' };
  const metadata = (said: Partial<Record<keyof ImageMetadata, string>>): string =>
    Object.entries(said)
      .map(([key, value]) => `${key} ${Buffer.from(value).toString('base64')}`)
      .join(', ');
  const create = (said: Parameters<typeof metadata>[0], length = disk.length): Promise<Answer> =>
    send('POST', '/image-uploads', undefined, {
      ...tus,
      'upload-length': String(length),
      'upload-metadata': metadata(said),
    });

  test('goes on where it broke off, and is an image in the end', async () => {
    const created = await create({ name: 'debian', cloudInit: 'false', bootModes: 'bios' });
    const place = created.headers.location ?? '';
    expect([created.status, created.headers['tus-resumable']]).toEqual([201, '1.0.0']);
    const half = disk.length / 2;
    const first = await send('PATCH', place, disk.subarray(0, half), { ...patch, 'upload-offset': '0' });
    expect([first.status, first.headers['upload-offset']]).toEqual([204, String(half)]);
    const head = await send('HEAD', place, undefined, tus);
    expect(head.headers).toMatchObject({
      'upload-offset': String(half),
      'upload-length': String(disk.length),
      'cache-control': 'no-store',
    });
    expect((await send('GET', '/images')).json).toEqual({ items: [] });
    const again = await send('PATCH', place, disk.subarray(0, half), { ...patch, 'upload-offset': '0' });
    expect([again.status, again.headers['upload-offset']]).toEqual([409, String(half)]);
    const last = await send('PATCH', place, disk.subarray(half), { ...patch, 'upload-offset': String(half) });
    expect([last.status, last.headers['upload-offset']]).toEqual([204, String(disk.length)]);
    expect((await send('GET', '/images/debian')).json).toMatchObject({
      sha256: sha256(disk),
      cloudInit: false,
      bootModes: ['bios'],
    });
    expect(last.headers['content-location']).toBe(`/images/${(await world.deps.images.find('debian'))?.id ?? ''}`);
    expect((await send('GET', place)).json).toMatchObject({ state: 'done', offset: disk.length });
    expect((await send('HEAD', place, undefined, tus)).headers['upload-offset']).toBe(String(disk.length));
    expect((await send('PATCH', place, 'x', { ...patch, 'upload-offset': String(disk.length) })).status).toBe(409);
  });

  test('that is no disk says so at its end, and afterwards', async () => {
    const place = (await create({ name: 'text' }, 5)).headers.location ?? '';
    const answer = await send('PATCH', place, 'hello', { ...patch, 'upload-offset': '0' });
    expect([answer.status, detail(answer)]).toEqual([422, expect.stringContaining('not a disk image')]);
    expect((await send('GET', place)).json).toMatchObject({ state: 'failed', error: { reason: 'unfit' } });
    expect((await send('GET', '/image-uploads')).json).toMatchObject([{ name: 'text', state: 'failed' }]);
  });

  test('is longer than it said: answered 422, and over', async () => {
    const place = (await create({ name: 'x' }, 5)).headers.location ?? '';
    expect((await send('PATCH', place, 'hello!', { ...patch, 'upload-offset': '0' })).status).toBe(422);
  });

  test('can be given up', async () => {
    const place = (await create({ name: 'debian' })).headers.location ?? '';
    expect((await send('DELETE', place, undefined, tus)).status).toBe(204);
    for (const method of ['HEAD', 'DELETE']) expect((await send(method, place, undefined, tus)).status).toBe(404);
    expect((await send('PATCH', place, 'x', { ...patch, 'upload-offset': '0' })).status).toBe(404);
  });

  test.each<[number, Record<string, string>]>([
    [412, { ...patch, 'tus-resumable': '0.2.0', 'upload-offset': '0' }],
    [415, { ...tus, 'upload-offset': '0' }],
    [400, patch],
    [400, { ...patch, 'upload-offset': '-1' }],
  ])('is answered %i for a PATCH with %j', async (status, headers) => {
    const place = (await create({ name: 'debian' })).headers.location ?? '';
    expect((await send('PATCH', place, 'x', headers)).status).toBe(status);
  });

  test.each<[number, Record<string, string>]>([
    [412, { 'tus-resumable': '2.0.0', 'upload-length': '5' }],
    [400, { ...tus, 'upload-metadata': metadata({ name: 'x' }) }],
    [400, { ...tus, 'upload-length': '0', 'upload-metadata': metadata({ name: 'x' }) }],
    [400, { ...tus, 'upload-length': '5' }],
    [400, { ...tus, 'upload-length': '5', 'upload-metadata': 'name !' }],
    [400, { ...tus, 'upload-length': '5', 'upload-metadata': metadata({ name: 'X' }) }],
    [413, { ...tus, 'upload-length': '99999999999', 'upload-metadata': metadata({ name: 'x' }) }],
  ])('is answered %i for a POST with %j', async (status, headers) => {
    expect((await send('POST', '/image-uploads', undefined, headers)).status).toBe(status);
  });

  test('of a name that is there is answered 409; what tus clients say besides is passed over', async () => {
    await send('PUT', '/images/debian', disk);
    expect((await create({ name: 'debian' })).status).toBe(409);
    const headers = {
      ...tus,
      'upload-length': '5',
      'upload-metadata': `filename ZQ==,${metadata({ name: 'x' })},is_secret`,
    };
    expect((await send('POST', '/image-uploads', undefined, headers)).status).toBe(201);
  });
});

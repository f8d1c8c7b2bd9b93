import type { RequestListener } from 'node:http';
import { createFetcher } from '../../src/images/fetch-source.ts';
import { createImageFiles } from '../../src/images/files.ts';
import { waitFor } from '../../src/lab/wait.ts';
import { createLog } from '../../src/log.ts';
import { createUploads, type Upload, type Uploads } from '../../src/images/uploads.ts';
import { startTestServer, type TestServer } from '../support/http.ts';
import { metadata, openImagesWorld, sha256, type ImagesWorld } from './world.ts';

/** A web server that can break off, change the file, and send elsewhere; and what becomes of a fetch from it. */

let world: ImagesWorld;
let uploads: Uploads;
let server: TestServer;
let handle: RequestListener;
let asked: (string | undefined)[];
let finished: string[];
beforeEach(async () => {
  world = await openImagesWorld();
  const files = createImageFiles({ directory: world.directory, keepFreeBytes: 0 });
  uploads = createUploads({ files, maxBytes: 1000, now: () => new Date() });
  asked = [];
  finished = [];
  server = await startTestServer((request, response) => {
    asked.push(request.headers.range);
    handle(request, response);
  });
});
afterEach(async () => {
  await server.close();
  await world.close();
});

const text = 'a disk of some length';

/** Fetches to the end; answers the upload then. */
async function fetched(url = `${server.url}/disk`, said?: string): Promise<Upload | undefined> {
  const begun = await uploads.create({ way: 'url', url, metadata: metadata('debian', said ? { sha256: said } : {}) });
  const id = begun.ok ? begun.upload.record.id : '';
  const finish = (one: string) => {
    finished.push(one);
    return Promise.resolve({ ok: false, refusal: { reason: 'fault', message: '' } } as const);
  };
  const fetcher = createFetcher({
    uploads,
    finish: Object.assign(finish, { cancel: () => Promise.resolve(), idle: () => Promise.resolve() }),
    log: createLog('silent'),
    signal: new AbortController().signal,
    retryMs: 1,
  });
  fetcher.start(id);
  await fetcher.idle();
  return uploads.get(id);
}

/** What a connection still holds when it breaks may be lost: it is broken when the bytes are there. */
async function reached(offset: number): Promise<void> {
  // Asked anew each time: a server that is opened again fetches before `world` knows it.
  const there = () => [...uploads.list(), ...world.images.uploads()].some((upload) => upload.offset >= offset);
  await waitFor('the bytes', () => there() || undefined, { deadlineMs: 10_000 });
}

/** Gives the file in pieces of five bytes, each followed by the end of the connection. */
const breaking =
  (tag: () => string | undefined): RequestListener =>
  (request, response) => {
    const etag = tag();
    const start =
      request.headers['if-range'] === etag ? Number(/bytes=(\d+)/.exec(request.headers.range ?? '')?.[1] ?? 0) : 0;
    response.writeHead(start > 0 ? 206 : 200, {
      'content-length': text.length - start,
      ...(etag && { etag }),
      ...(start > 0 && { 'content-range': `bytes ${start}-${text.length - 1}/${text.length}` }),
    });
    response.write(text.slice(start, start + 5), () => {
      if (start + 5 >= text.length) response.end();
      else void reached(start + 5).then(() => response.destroy());
    });
  };

test('a file is fetched whole', async () => {
  handle = (_request, response) => response.end(text);
  expect(await fetched()).toMatchObject({ offset: text.length, record: { state: 'receiving' } });
  expect(finished).toHaveLength(1);
});

test('what breaks off is continued where it broke', async () => {
  handle = breaking(() => '"v1"');
  expect(await fetched()).toMatchObject({ offset: text.length, record: { length: text.length } });
  expect(asked).toEqual([undefined, 'bytes=5-', 'bytes=10-', 'bytes=15-', 'bytes=20-']);
});

test('a file that changed meanwhile is begun anew', async () => {
  handle = (request, response) => {
    if (request.headers.range === undefined) breaking(() => '"v1"')(request, response);
    else response.writeHead(200, { etag: '"v2"' }).end('another disk');
  };
  expect(await fetched()).toMatchObject({ offset: 'another disk'.length, record: { validator: '"v2"' } });
  expect(asked).toEqual([undefined, 'bytes=5-']);
});

test('what breaks off again and again ends, and says why', async () => {
  handle = (_request, response) => response.writeHead(200, { 'content-length': 100 }).destroy();
  expect(await fetched()).toMatchObject({
    record: {
      state: 'failed',
      refusal: { reason: 'source', message: expect.stringContaining('cannot be fetched') as string },
    },
  });
  expect(asked).toHaveLength(6);
});

test('a redirect is followed', async () => {
  handle = (request, response) => {
    if (request.url === '/disk') response.writeHead(302, { location: '/real' }).end();
    else response.end(text);
  };
  expect(await fetched()).toMatchObject({ offset: text.length });
});

test.each<[string, RequestListener, RegExp]>([
  ['says 404', (_q, r) => r.writeHead(404).end(), /answers 404/],
  ['sends round and round', (_q, r) => r.writeHead(301, { location: '/disk' }).end(), /more than 5 times/],
  ['sends to a file', (_q, r) => r.writeHead(301, { location: 'file:///etc/passwd' }).end(), /neither http nor https/],
  ['encodes', (_q, r) => r.writeHead(200, { 'content-encoding': 'gzip' }).end('x'), /Content-Encoding gzip/],
  [
    'sends a range that nobody asked for',
    (_q, r) => r.writeHead(206, { 'content-range': 'bytes 7-8/9' }).end('xx'),
    /another range/,
  ],
  ['has too much', (_q, r) => r.writeHead(200, { 'content-length': 1001 }).end('x'.repeat(1001)), /at most 1000/],
  [
    'sends too much without saying so',
    (_q, r) => {
      r.write('x');
      r.end('x'.repeat(1001));
    },
    /at most 1000/,
  ],
])('a server that %s is told', async (_what, listener, words) => {
  handle = listener;
  expect(await fetched()).toMatchObject({
    record: { state: 'failed', refusal: { message: expect.stringMatching(words) as string } },
  });
  expect(finished).toEqual([]);
});

test('without any length the checksum is needed', async () => {
  handle = (_request, response) => {
    response.shouldKeepAlive = false;
    response.useChunkedEncodingByDefault = false;
    response.writeHead(200, { connection: 'close' }).end(text);
  };
  expect(await fetched()).toMatchObject({
    record: { refusal: { message: expect.stringContaining('give its sha256') as string } },
  });
  expect(await fetched(undefined, sha256(text))).toMatchObject({ offset: text.length });
  expect(finished).toHaveLength(1);
});

test('nobody there is told, without the password of the address', async () => {
  await server.close();
  const upload = await fetched(server.url.replace('http://', 'http://me:secret@'));
  const { message = '' } = upload?.record.refusal ?? {};
  expect(message).toContain('ECONNREFUSED');
  expect(message).not.toContain('secret');
  server = await startTestServer(() => undefined);
});

test('a server that is stopped leaves what it fetched, and the next goes on', async () => {
  handle = (_request, response) => {
    response.writeHead(200, { 'content-length': text.length, etag: '"v1"' }).write(text.slice(0, 5));
  };
  const begun = await world.images.begin({ way: 'url', url: `${server.url}/disk`, metadata: metadata('debian') });
  const id = begun.ok ? begun.upload.record.id : '';
  while (world.images.upload(id)?.offset !== 5) await new Promise((resolve) => setTimeout(resolve, 10));
  handle = breaking(() => '"v1"');
  await world.reopen();
  while (world.images.upload(id)?.record.state !== 'done') await new Promise((resolve) => setTimeout(resolve, 10));
  expect(asked.slice(0, 2)).toEqual([undefined, 'bytes=5-']);
  expect(await world.images.find('debian')).toMatchObject({ sha256: sha256(text) });
});

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sendFile } from '../../src/http/files.ts';
import type { FileOutcome } from '../../src/http/files.ts';
import { ask, startTestServer } from '../support/http.ts';
import type { TestServer } from '../support/http.ts';

let root: string;
let server: TestServer;
let outcomes: Promise<FileOutcome>[] = [];

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'rw-files-'));
  await writeFile(join(root, 'small'), '0123456789');
  await writeFile(join(root, 'a#b?c%20d.efi'), 'odd name');
  await writeFile(join(root, '.hidden'), 'hidden');
  await writeFile(join(root, 'empty'), '');
  await writeFile(join(root, 'large'), Buffer.alloc(64 << 20, 7));
  server = await startTestServer((request, response) => {
    const name = decodeURIComponent(request.url ?? '');
    const outcome = sendFile(request, response, name, { root });
    outcomes.push(outcome);
    void outcome.then(({ kind }) => (kind === 'answered' ? undefined : response.writeHead(404).end(kind)));
  });
});
beforeEach(() => {
  outcomes = [];
});
afterAll(async () => {
  await server.close();
  await rm(root, { recursive: true });
});

test.each([
  ['/small', {}, 200, '0123456789', { bytes: 10, complete: true }],
  ['/small', { range: 'bytes=2-4' }, 206, '234', { bytes: 3, complete: true }],
  ['/small', { range: 'bytes=-2' }, 206, '89', { bytes: 2, complete: true }],
  ['/small', { range: 'bytes=8-100' }, 206, '89', { bytes: 2, complete: true }],
  ['/small', { range: 'bytes=20-' }, 416, '', { bytes: 0, complete: false }],
  ['/small', { range: 'garbage' }, 200, '0123456789', { bytes: 10, complete: true }],
  ['/empty', {}, 200, '', { bytes: 0, complete: true }],
  ['/a%23b%3Fc%2520d.efi', {}, 200, 'odd name', { bytes: 8, complete: true }],
  ['/.hidden', {}, 200, 'hidden', { bytes: 6, complete: true }],
])('GET %s with %j answers %d', async (path, headers: Record<string, string>, status, text, outcome) => {
  const answer = await ask(server.url + path, { headers });
  expect([answer.status, answer.text]).toEqual([status, text]);
  expect(await outcomes[0]).toEqual({ kind: 'answered', status, ...outcome });
});

test.each([
  ['/none', 'missing'],
  ['/', 'missing'],
  ['/..%2f..%2fetc%2fpasswd', 'outside'],
])('GET %s is left to the caller as %s', async (path, kind) => {
  const answer = await ask(server.url + path);
  expect([answer.status, answer.text]).toEqual([404, kind]);
});

test('HEAD tells the size and sends nothing', async () => {
  const answer = await ask(`${server.url}/small`, { method: 'HEAD' });
  expect([answer.status, answer.headers['content-length'], answer.text]).toEqual([200, '10', '']);
  expect(await outcomes[0]).toEqual({ kind: 'answered', status: 200, bytes: 0, complete: true });
});

test('what the client has is not sent again', async () => {
  const { headers } = await ask(`${server.url}/small`);
  const again = await ask(`${server.url}/small`, { headers: { 'if-none-match': headers.etag! } });
  expect(again.status).toBe(304);
  expect(await outcomes[1]).toMatchObject({ status: 304, bytes: 0, complete: true });
});

test('a range that cannot be met says how large the file is', async () => {
  expect((await ask(`${server.url}/small`, { headers: { range: 'bytes=20-' } })).headers['content-range']).toBe(
    'bytes */10',
  );
});

test('a client that goes away in the middle is told from one that got all', async () => {
  const socket = connect(server.port, '127.0.0.1');
  socket.write('GET /large HTTP/1.1\r\nHost: a\r\n\r\n');
  await new Promise((resolve) => socket.once('data', resolve));
  socket.destroy();
  const outcome = await outcomes[0];
  expect(outcome).toMatchObject({ kind: 'answered', status: 200, complete: false });
  expect((outcome as { bytes: number }).bytes).toBeLessThan(64 << 20);
});

import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { once } from 'node:events';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createSendFile } from '../../src/http/files.ts';
import type { FileOutcome, SendFileDeps } from '../../src/http/files.ts';
import { createFileSenders, type FileSenders } from '../../src/http/file-senders.ts';
import { waitFor } from '../../src/lab/wait.ts';
import { createLog } from '../../src/log.ts';
import { ask, startTestServer } from '../support/http.ts';
import type { TestServer } from '../support/http.ts';

const log = createLog('silent');
/** Larger than many chunks, and no two of its lines are alike. */
const numbers = Array.from({ length: 400_000 }, (_, index) => `${index}\n`).join('');
let root: string;
let server: TestServer;
let outcomes: Promise<FileOutcome>[] = [];

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'rw-files-'));
  await writeFile(join(root, 'small'), '0123456789');
  await writeFile(join(root, 'a#b?c%20d.efi'), 'odd name');
  await writeFile(join(root, '.hidden'), 'hidden');
  await writeFile(join(root, 'empty'), '');
  await writeFile(join(root, 'numbers'), numbers);
  await writeFile(join(root, 'large'), Buffer.alloc(64 << 20, 7));
});
beforeEach(() => {
  outcomes = [];
});
afterAll(() => rm(root, { recursive: true }));

async function serve(deps: Partial<SendFileDeps> = {}): Promise<() => Promise<void>> {
  const sendFile = createSendFile({ log, ...deps });
  server = await startTestServer((request, response) => {
    const name = decodeURIComponent(request.url ?? '');
    const outcome = sendFile(request, response, name, { root });
    outcomes.push(outcome);
    void outcome.then(({ kind }) =>
      kind === 'answered' || kind === 'handed-over' ? undefined : response.writeHead(404).end(kind),
    );
  });
  return () => server.close();
}

/** Every file by a sender; resolves when there is one. */
async function serveBySender(): Promise<() => Promise<void>> {
  const senders = createFileSenders({ processes: 1, log });
  let taken = 0;
  const take: FileSenders['take'] = (response, body) => {
    const sent = senders.take(response, body);
    if (sent !== undefined) taken++;
    return sent;
  };
  senders.start();
  const close = await serve({ senders: { take }, largeBytes: 1 });
  const isTaken = async (): Promise<true | undefined> => {
    await ask(`${server.url}/small`);
    return taken > 0 || undefined;
  };
  await waitFor('a sender', isTaken, { deadlineMs: 20_000 });
  return async () => {
    await close();
    await senders.stop();
  };
}

describe.each([
  ['this process', serve],
  ['a sender', serveBySender],
])('files sent by %s', (_by, start) => {
  let stop: () => Promise<void>;
  beforeAll(async () => {
    stop = await start();
  });
  afterAll(() => stop());

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

  test('what is large comes as it is', async () => {
    const answer = await ask(`${server.url}/numbers`, { headers: { range: 'bytes=3-' } });
    expect(answer.text).toBe(numbers.slice(3));
    expect(await outcomes[0]).toEqual({ kind: 'answered', status: 206, bytes: numbers.length - 3, complete: true });
  });

  test('a file that ends before its size breaks off', async () => {
    await writeFile(join(root, 'shrinks'), Buffer.alloc(64 << 20, 7));
    const socket = connect(server.port, '127.0.0.1');
    socket.write('GET /shrinks HTTP/1.1\r\nHost: a\r\n\r\n');
    await once(socket, 'readable');
    await truncate(join(root, 'shrinks'), 1 << 20);
    socket.resume();
    await once(socket, 'close');
    expect(await outcomes[0]).toMatchObject({ kind: 'answered', status: 200, complete: false });
  });

  test('a range from a version that is no more is answered with the whole', async () => {
    const { headers } = await ask(`${server.url}/small`);
    const range = (condition: string) =>
      ask(`${server.url}/small`, { headers: { range: 'bytes=2-4', 'if-range': condition } });
    expect((await range(headers.etag!)).text).toBe('234');
    expect((await range(headers['last-modified']!)).text).toBe('234');
    expect((await range('W/"another"')).text).toBe('0123456789');
    expect((await range('Thu, 01 Jan 1970 00:00:00 GMT')).text).toBe('0123456789');
  });
});

test('a file for a proxy in front is named, not sent', async () => {
  const close = await serve({ proxied: true });
  const answer = await ask(`${server.url}/a%23b%3Fc%2520d.efi`);
  expect([answer.status, answer.text, answer.headers['x-accel-redirect']]).toEqual([
    200,
    '',
    `/_rackwright${root}/a%23b%3Fc%2520d.efi`,
  ]);
  expect(await outcomes[0]).toEqual({ kind: 'handed-over' });
  expect((await ask(`${server.url}/none`)).status).toBe(404);
  await close();
});

import { connect } from 'node:net';
import { once } from 'node:events';
import { lastEventId, sendEvents } from '../../src/http/event-stream.ts';
import type { EventStreamOptions, ServerSentEvent } from '../../src/http/event-stream.ts';
import { ask, startTestServer } from '../support/http.ts';
import type { TestServer } from '../support/http.ts';

let server: TestServer;
afterEach(() => server.close());

/** Serves one stream; what `sendEvents` resolved or rejected with comes by `ended`. */
async function serve(options: EventStreamOptions): Promise<{ ended: Promise<unknown> }> {
  const ended = Promise.withResolvers<unknown>();
  server = await startTestServer((request, response) => {
    sendEvents(request, response, options).then(ended.resolve, ended.reject);
  });
  return { ended: ended.promise };
}

async function* batches(...all: ServerSentEvent[][]): AsyncGenerator<readonly ServerSentEvent[]> {
  for (const batch of all) yield await Promise.resolve(batch);
}

test('events in order, with ids, names and data on one line', async () => {
  await serve({
    events: batches(
      [
        { id: '1', event: 'fact', data: { text: 'two\nlines' } },
        { id: '2', data: 7 },
      ],
      [],
      [{ id: '3', data: null }],
    ),
  });
  const answer = await ask(server.url);
  expect(answer.headers).toMatchObject({
    'content-type': 'text/event-stream',
    'cache-control': 'no-cache, no-transform',
  });
  expect(answer.text).toBe(
    'retry: 2000\n\nid: 1\nevent: fact\ndata: {"text":"two\\nlines"}\n\nid: 2\ndata: 7\n\nid: 3\ndata: null\n\n',
  );
});

test('a quiet stream is kept open by comments', async () => {
  const end = Promise.withResolvers<undefined>();
  async function* quiet(): AsyncGenerator<readonly ServerSentEvent[]> {
    await end.promise;
    yield [];
  }
  await serve({ events: quiet(), heartbeatMs: 1 });
  const response = await fetch(server.url);
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  while (!text.includes(':\n\n:\n\n')) text += (await reader.read()).value ?? '';
  end.resolve(undefined);
  while (!(await reader.read()).done);
  expect(text).toMatch(/^retry: 2000\n\n/);
});

test('a client that does not read is waited for, then cut; no more is asked of the source', async () => {
  let asked = 0;
  async function* flood(): AsyncGenerator<readonly ServerSentEvent[]> {
    for (;;) {
      asked++;
      yield await Promise.resolve([{ id: String(asked), data: 'x'.repeat(1 << 20) }]);
    }
  }
  const { ended } = await serve({ events: flood(), stallMs: 100 });
  const socket = connect(server.port, '127.0.0.1').on('error', () => undefined);
  await once(socket, 'connect');
  socket.pause();
  socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  await expect(ended).resolves.toBeUndefined();
  expect(asked).toBeLessThan(50);
  socket.destroy();
});

test('a client that reads slowly gets everything, and waiting for it leaves nothing behind', async () => {
  const drains = Promise.withResolvers<number>();
  server = await startTestServer((request, response) => {
    const events = batches(...Array.from({ length: 40 }, (_, id) => [{ id: String(id), data: 'x'.repeat(1 << 20) }]));
    void sendEvents(request, response, { events }).then(() => {
      drains.resolve(response.listenerCount('drain') + response.listenerCount('close'));
    });
  });
  const before = await ask(server.url);
  expect(before.text.match(/^id: /gm)).toHaveLength(40);
  expect(await drains.promise).toBeLessThan(5);
});

test('the source is told to end when the client goes', async () => {
  const cleaned = Promise.withResolvers<boolean>();
  async function* flood(): AsyncGenerator<readonly ServerSentEvent[]> {
    try {
      for (;;) yield await new Promise((resolve) => setImmediate(resolve, [{ id: '1', data: 1 }]));
    } finally {
      cleaned.resolve(true);
    }
  }
  const { ended } = await serve({ events: flood() });
  const socket = connect(server.port, '127.0.0.1', () => socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n'));
  socket.once('data', () => socket.destroy());
  expect(await cleaned.promise).toBe(true);
  await ended;
});

test('HEAD opens no stream', async () => {
  await serve({ events: batches([{ id: '1', data: 1 }]) });
  expect(await ask(server.url, { method: 'HEAD' })).toMatchObject({ status: 200, text: '' });
});

test.each([
  [{ 'last-event-id': 'abc' }, 'abc'],
  [{ 'last-event-id': '' }, undefined],
  [{}, undefined],
])('the place to go on after, of %j, is %p', (headers, id) => {
  expect(lastEventId(headers)).toBe(id);
});

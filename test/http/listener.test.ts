import { mkdtemp, rm, stat } from 'node:fs/promises';
import { createServer, connect } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createListener } from '../../src/http/listener.ts';
import type { Listener, ListenerOptions } from '../../src/http/listener.ts';
import { createLog } from '../../src/log.ts';
import { ask, askRaw } from '../support/http.ts';

const log = createLog('silent');
const listeners: Listener[] = [];
let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'rw-listener-'));
});
afterEach(async () => {
  await Promise.all(listeners.splice(0).map((listener) => listener.stop()));
  await rm(directory, { recursive: true });
});

function make(options: Partial<ListenerOptions> = {}): Listener {
  const listener = createListener({
    name: 'admin',
    addresses: [{ address: '127.0.0.1', port: 0 }],
    handler: (_request, response) => response.end('hello'),
    log,
    ...options,
  });
  listeners.push(listener);
  return listener;
}

const portOf = (listener: Listener) => Number(new URL(listener.urls()[0]!).port);

describe('start', () => {
  test('serves on every address, and says where', async () => {
    const path = join(directory, 'http.sock');
    const listener = make({
      addresses: [{ address: '127.0.0.1', port: 0 }, { address: '::1', port: 0 }, { socketPath: path }],
    });
    await listener.start();
    const [first, second, third] = listener.urls();
    expect((await ask(first!)).text).toBe('hello');
    expect((await ask(second!)).text).toBe('hello');
    expect(second).toMatch(/^http:\/\/\[::1\]:\d+$/);
    expect(third).toBe(`unix:${path}`);
    expect((await ask('http://localhost/', { socketPath: path })).text).toBe('hello');
    expect((await stat(path)).mode & 0o777).toBe(0o600);
  });

  test('a taken port names the program that holds it', async () => {
    const first = make();
    await first.start();
    const second = make({ addresses: [{ address: '127.0.0.1', port: portOf(first) }] });
    await expect(second.start()).rejects.toMatchObject({
      code: 'port-in-use',
      message: expect.stringContaining(`process ${process.pid}`) as string,
    });
  });

  test('listens on all addresses or on none', async () => {
    const free = createServer().listen(0, '127.0.0.1');
    await once(free, 'listening');
    const { port } = free.address() as { port: number };
    await new Promise((resolve) => free.close(resolve));
    const listener = make({
      addresses: [
        { address: '127.0.0.1', port },
        { address: '192.0.2.1', port },
      ],
    });
    await expect(listener.start()).rejects.toMatchObject({ code: 'no-address' });
    expect(listener.urls()).toEqual([]);
    await expect(ask(`http://127.0.0.1:${port}`)).rejects.toThrow('ECONNREFUSED');
  });

  test('a unix socket left by a killed server is taken over, one in use is not', async () => {
    const path = join(directory, 'http.sock');
    const first = make({ addresses: [{ socketPath: path }] });
    await first.start();
    await expect(make({ addresses: [{ socketPath: path }] }).start()).rejects.toMatchObject({ code: 'port-in-use' });
    await first.stop();
    const killed = make({ addresses: [{ socketPath: path }] });
    await killed.start();
    expect((await ask('http://localhost/', { socketPath: path })).text).toBe('hello');
  });
});

describe('guards', () => {
  test('a peer that is not admitted is cut before a byte is read', async () => {
    const asked: string[] = [];
    const listener = make({
      admit: (peer) => {
        asked.push(peer);
        return false;
      },
      handler: () => {
        throw new Error('reached the handler');
      },
    });
    await listener.start();
    await expect(ask(listener.urls()[0]!)).rejects.toThrow(/hang up|ECONNRESET/);
    expect(asked).toEqual(['127.0.0.1']);
  });

  test('one peer cannot take all connections', async () => {
    const listener = make({ limits: { connectionsPerPeer: 2 } });
    await listener.start();
    const held = [connect(portOf(listener), '127.0.0.1'), connect(portOf(listener), '127.0.0.1')];
    await Promise.all(held.map((socket) => once(socket, 'connect')));
    await expect(ask(listener.urls()[0]!)).rejects.toThrow(/hang up|ECONNRESET/);
    held[0]!.destroy();
    let answer: string | undefined;
    while (answer === undefined)
      answer = await ask(listener.urls()[0]!).then(
        ({ text }) => text,
        () => undefined,
      );
    expect(answer).toBe('hello');
    held[1]!.destroy();
  });

  test('a request head that never ends is given up', async () => {
    const listener = make({ limits: { headMs: 50 } });
    await listener.start();
    expect(await askRaw(portOf(listener), 'GET / HTTP/1.1\r\nHost: a\r\n')).toMatch(/^HTTP\/1.1 408/);
  });

  test('a client that neither reads nor writes is cut', async () => {
    const listener = make({ limits: { idleMs: 50 }, handler: () => undefined });
    await listener.start();
    expect(await askRaw(portOf(listener), 'GET / HTTP/1.1\r\nHost: a\r\n\r\n')).toBe('');
  });

  test.each([
    '\u0000\u0001\u0002\r\n\r\n',
    'GET / HTTP/1.1\r\n\r\n',
    `GET / HTTP/1.1\r\nHost: a\r\nX: ${'y'.repeat(20_000)}\r\n\r\n`,
  ])('garbage %# is refused and the next request is served', async (bytes) => {
    const listener = make();
    await listener.start();
    expect(await askRaw(portOf(listener), bytes)).toMatch(/^HTTP\/1.1 4\d\d /);
    expect((await ask(listener.urls()[0]!)).status).toBe(200);
  });
});

describe('drain', () => {
  test('lets answers under way end, takes no new connection, and does not wait for idle ones', async () => {
    const handled = Promise.withResolvers<() => void>();
    const listener = make({
      handler: (_request, response) => {
        handled.resolve(() => response.end('late'));
      },
    });
    await listener.start();
    const url = listener.urls()[0]!;
    const idle = connect(portOf(listener), '127.0.0.1');
    await once(idle, 'connect');
    // A keep-alive client must not hold up the end either.
    const answer = ask(url, { headers: { connection: 'keep-alive' } });
    const finish = await handled.promise;
    const drained = listener.drain();
    await expect(ask(url)).rejects.toThrow('ECONNREFUSED');
    finish();
    expect((await answer).text).toBe('late');
    await drained;
    idle.destroy();
  });

  test('waits no longer than its limit', async () => {
    const handled = Promise.withResolvers<undefined>();
    const listener = make({
      limits: { drainMs: 20 },
      handler: () => {
        handled.resolve(undefined);
      },
    });
    await listener.start();
    const answer = ask(listener.urls()[0]!);
    await Promise.all([
      expect(answer).rejects.toThrow(/hang up|ECONNRESET/),
      handled.promise.then(async () => {
        await listener.drain();
        await listener.stop();
      }),
    ]);
    expect(listener.urls()).toEqual([]);
  });
});

import { jest } from '@jest/globals';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { openMongoBackend, openMongoStore } from '../../src/store/mongodb/store.ts';
import { freshDatabase, startMongo, type MongoServer } from '../support/mongo.ts';
import { openThings, thingSpecs } from '../support/things.ts';

// Real files and processes on a machine that may be busy.
jest.setTimeout(120_000);

/** What a MongoDB that goes away and comes back means for requests. */
let mongo: MongoServer;
beforeAll(async () => {
  mongo = await startMongo();
});
afterAll(async () => {
  await mongo.stop();
});

interface Proxy {
  readonly url: string;
  /** Ends all connections and takes no new ones, until `restore`. */
  readonly cut: () => Promise<void>;
  readonly restore: () => Promise<void>;
}

/** Stands between the store and MongoDB. */
async function startProxy(target: string): Promise<Proxy> {
  const { hostname, port } = new URL(target);
  const sockets = new Set<Socket>();
  const track = (socket: Socket): Socket => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => socket.destroy());
    return socket;
  };
  const serve = async (at: number): Promise<Server> => {
    const server = createServer((client) => {
      const upstream = track(connect(Number(port || 27017), hostname));
      track(client).pipe(upstream).pipe(client);
    });
    server.listen(at, '127.0.0.1');
    await once(server, 'listening');
    return server;
  };
  let server = await serve(0);
  const own = (server.address() as AddressInfo).port;
  const url = new URL(target);
  url.hostname = '127.0.0.1';
  url.port = String(own);
  return {
    url: `${url.href}?directConnection=true`,
    cut: async () => {
      const closed = once(server, 'close');
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
    restore: async () => {
      server = await serve(own);
    },
  };
}

test('requests fail as retryable or succeed while the connection is cut, and all is well when it is back', async () => {
  const proxy = await startProxy(mongo.url);
  const backend = await openMongoBackend({ url: proxy.url, database: freshDatabase(), specs: thingSpecs });
  const { things, ping, close } = await openThings(backend);
  const acknowledged: string[] = [];
  const faults: unknown[] = [];
  let attempted = 0;
  const write = async (): Promise<void> => {
    attempted += 1;
    try {
      const result = await things.insert({ key: `k${attempted}` });
      if (result.ok) acknowledged.push(result.document.id);
    } catch (error) {
      faults.push(error);
    }
  };
  await write();
  const underWay = Array.from({ length: 20 }, write);
  await proxy.cut();
  await Promise.all(underWay);
  await write();
  await expect(ping()).rejects.toMatchObject({ code: 'store-unreachable', retryable: true });
  expect(faults.length).toBeGreaterThan(0);
  for (const fault of faults) expect(fault).toMatchObject({ code: 'store-unreachable', retryable: true });
  await proxy.restore();
  await ping();
  await write();
  for (const id of acknowledged) expect(await things.get(id)).toMatchObject({ version: 1 });
  expect(acknowledged.length).toBeGreaterThanOrEqual(2);
  await close();
  await proxy.cut();
});

test('a server that is not there is named, without the password', async () => {
  const port = await unusedPort();
  const opening = openMongoStore({ url: `mongodb://who:s3cret@127.0.0.1:${port}/?appName=x`, database: 'rackwright' });
  const fault = await opening.catch((error: unknown) => error);
  expect(fault).toMatchObject({ code: 'store-unreachable', retryable: true });
  expect(String(fault)).toContain(`mongodb://127.0.0.1:${port}/`);
  expect(String(fault)).not.toContain('s3cret');
});

test.each(['mongodb://who:s3cret@', 'http://who:s3cret@host/', 'mongodb://who:s3c:ret@host:1:2/'])(
  'a URL that is none is refused without telling its password: %s',
  async (url) => {
    const fault = await openMongoStore({ url, database: 'rackwright' }).catch((error: unknown) => error);
    expect(fault).toMatchObject({ code: 'store-url' });
    expect(JSON.stringify(fault) + String(fault)).not.toMatch(/s3c/);
  },
);

test('two servers that are started together on an empty database both open it', async () => {
  const database = freshDatabase();
  const stores = await Promise.all([1, 2].map(() => openMongoStore({ url: mongo.url, database })));
  const [first, second] = stores;
  await first!.store.definitions.insert({ kind: 'graph', name: 'Graph.A', body: {} });
  expect(await second!.store.definitions.count({ name: 'Graph.A' })).toBe(1);
  await Promise.all(stores.map((store) => store.close()));
});

async function unusedPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

import { once } from 'node:events';
import { createServer } from 'node:net';
import { RackwrightError } from '../../src/errors.ts';
import { assertPortFree, openDatagram, type DatagramOptions, type DatagramSocket } from '../../src/net/datagram.ts';
import { findPortHolder, portInUseError } from '../../src/net/port-holder.ts';

const open: DatagramSocket[] = [];

async function openSocket(options: Partial<DatagramOptions> = {}) {
  const ignore = () => undefined;
  const socket = await openDatagram({ address: '127.0.0.1', port: 0, onDatagram: ignore, onError: ignore, ...options });
  open.push(socket);
  return socket;
}

afterEach(async () => {
  await Promise.all(open.splice(0).map((socket) => socket.close()));
});

test('carries datagrams both ways and says from whom', async () => {
  const received = Promise.withResolvers<string>();
  const server = await openSocket({
    onDatagram: (bytes, from) => {
      void server.send(Uint8Array.from([...bytes, 3]), from);
    },
  });
  const client = await openSocket({
    onDatagram: (bytes, from) => {
      received.resolve(`${[...bytes].join(',')} from ${from.address}:${from.port}`);
    },
  });
  await client.send(Uint8Array.of(1, 2), server.local);
  expect(await received.promise).toBe(`1,2,3 from 127.0.0.1:${server.local.port}`);
});

test('a handler that throws is reported, and the socket goes on', async () => {
  const seen: string[] = [];
  const second = Promise.withResolvers<undefined>();
  const server = await openSocket({
    onDatagram: (bytes) => {
      if (bytes[0] === 1) throw new Error('broken handler');
      second.resolve(undefined);
    },
    onError: (error) => seen.push((error as Error).message),
  });
  await server.send(Uint8Array.of(1), server.local);
  await server.send(Uint8Array.of(2), server.local);
  await second.promise;
  expect(seen).toEqual(['broken handler']);
});

test('a send that the system refuses rejects', async () => {
  const socket = await openSocket();
  await expect(socket.send(new Uint8Array(70_000), socket.local)).rejects.toMatchObject({ code: 'EMSGSIZE' });
});

test('closing twice does no harm', async () => {
  const socket = await openSocket();
  await Promise.all([socket.close(), socket.close()]);
  await expect(socket.close()).resolves.toBeUndefined();
});

test('a port in use is refused, naming the program and its process', async () => {
  const first = await openSocket();
  await expect(openSocket({ port: first.local.port })).rejects.toMatchObject({
    code: 'port-in-use',
    message: expect.stringContaining(`in use by node (process ${process.pid})`) as string,
  });
});

test('a port that others would share is not free', async () => {
  const first = await openSocket({ address: '0.0.0.0', shared: true });
  const { port } = first.local;
  await expect(openSocket({ address: '127.0.0.1', port, shared: true })).resolves.toBeDefined();
  await expect(assertPortFree({ address: '127.0.0.2', port })).rejects.toMatchObject({ code: 'port-in-use' });
});

test('a port that others have on another address only is free', async () => {
  const first = await openSocket({ shared: true });
  await expect(assertPortFree({ address: '127.0.0.2', port: first.local.port })).resolves.toBeUndefined();
});

test('an address that no interface has is refused with what to do', async () => {
  await expect(openSocket({ address: '192.0.2.1' })).rejects.toMatchObject({
    code: 'no-address',
    message: expect.stringContaining('ip -4 address') as string,
  });
});

describe('findPortHolder', () => {
  test('finds a listening TCP port too', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as { port: number };
    expect(await findPortHolder('tcp', port)).toMatchObject({ pid: process.pid });
    expect(await findPortHolder('udp', port)).toBeUndefined();
    server.close();
    await once(server, 'close');
  });

  test('says how to find the holder where it cannot', async () => {
    const error = await portInUseError('tcp', { address: '127.0.0.1', port: 1 });
    expect(error).toBeInstanceOf(RackwrightError);
    expect(error.message).toContain("ss -ltnp 'sport = :1'");
  });
});

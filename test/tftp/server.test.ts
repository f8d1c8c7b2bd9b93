import { createLog } from '../../src/log.ts';
import type { NewFact } from '../../src/model/fact.ts';
import type { OpenFile } from '../../src/tftp/requests.ts';
import { createTftpServer } from '../../src/tftp/server.ts';
import type { TftpServer, TftpServerOptions } from '../../src/tftp/server.ts';
import { defaultTransferLimits } from '../../src/tftp/negotiate.ts';
import { fetchFile, openTestClient, read } from './client.ts';
import type { TestClient } from './client.ts';

const files: Record<string, Uint8Array> = {
  loader: Uint8Array.from({ length: 70_085 }, (_, index) => (index * 7) & 255),
  small: Buffer.from('hello'),
  text: Buffer.from('one\ntwo\r'),
};
const open: OpenFile = (path) =>
  Promise.resolve(
    files[path] ? { kind: 'file', bytes: files[path] } : { kind: 'refused', code: 1, message: 'file not found' },
  );

let facts: NewFact[];
let server: TftpServer;
let noticed: () => void;
const clients: TestClient[] = [];

async function start(options: Partial<TftpServerOptions> = {}) {
  facts = [];
  noticed = () => undefined;
  const record = (fact: NewFact) => {
    facts.push(fact);
    noticed();
  };
  server = createTftpServer({ address: '127.0.0.1', port: 0, open, record, log: createLog('silent'), ...options });
  await server.start();
  return server.local()!;
}
async function client(): Promise<TestClient> {
  const one = await openTestClient();
  clients.push(one);
  return one;
}
/** Resolves when so many facts were recorded. */
async function factsUntil(count: number): Promise<NewFact[]> {
  while (facts.length < count) await new Promise<void>((resolve) => (noticed = resolve));
  return facts;
}
afterEach(async () => {
  await server.stop();
  await Promise.all(clients.splice(0).map(({ socket }) => socket.close()));
});

const quick = { transfer: { ...defaultTransferLimits, waitMs: 5, repeats: 2 } };

describe('a read', () => {
  test.each([
    ['without options', {}, 512, 1],
    ['as iPXE', { blksize: '1432', tsize: '0' }, 1432, 1],
    ['as OVMF', { tsize: '0', blksize: '1468', windowsize: '4' }, 1468, 4],
    ['with a block size beyond the frame', { blksize: '65464' }, 1468, 1],
  ])('%s arrives whole, and leaves two facts', async (_name, options: Record<string, string>, blksize, windowsize) => {
    const local = await start();
    expect(Buffer.compare(await fetchFile(local, read('loader', options)), files.loader!)).toBe(0);
    const about = { path: 'loader', bytes: 70_085, blksize, windowsize };
    const both = await factsUntil(2);
    expect(both).toMatchObject([
      { kind: 'tftp.read', how: 'packet', address: '127.0.0.1', data: about },
      { kind: 'tftp.done', how: 'packet', address: '127.0.0.1', data: about },
    ]);
    expect(both[1]!.data!.seconds).toBeGreaterThanOrEqual(0);
  });

  test('in netascii has its line ends converted', async () => {
    const local = await start();
    expect((await fetchFile(local, read('text', {}, 'NetASCII'))).toString()).toBe('one\r\ntwo\r\0');
  });

  test('many at once', async () => {
    const local = await start();
    const all = await Promise.all(
      Array.from({ length: 20 }, () => fetchFile(local, read('loader', { blksize: '1468' }))),
    );
    expect(all.every((bytes) => Buffer.compare(bytes, files.loader!) === 0)).toBe(true);
  });

  test('a question for the size ends quietly, and the same port may ask in earnest', async () => {
    const local = await start();
    const probe = await client();
    await probe.send(read('loader', { tsize: '0', blksize: '1468' }), local);
    const { packet, from } = await probe.next();
    expect(packet).toEqual({
      op: 'OACK',
      options: new Map([
        ['tsize', '70085'],
        ['blksize', '1468'],
      ]),
    });
    await probe.send({ op: 'ERROR', code: 8, message: 'User aborted the transfer' }, from);
    expect(await factsUntil(1)).toMatchObject([
      { kind: 'tftp.read', text: 'asked for the size of loader by TFTP', data: { probe: true } },
    ]);
    await probe.send(read('small'), local);
    expect((await probe.next()).packet).toMatchObject({ op: 'DATA', block: 1 });
  });

  test('a stranger on another port cannot touch a transfer', async () => {
    const local = await start();
    const [one, stranger] = [await client(), await client()];
    await one.send(read('loader'), local);
    const { from } = await one.next();
    await stranger.send({ op: 'ACK', block: 1 }, from);
    await stranger.send({ op: 'ERROR', code: 0, message: 'die' }, from);
    await stranger.send(Uint8Array.of(0), from);
    await one.send({ op: 'ACK', block: 1 }, from);
    expect((await one.next()).packet).toMatchObject({ op: 'DATA', block: 2 });
    expect(one.waiting()).toBe(0);
  });

  test('garbage from the client itself changes nothing', async () => {
    const local = await start();
    const one = await client();
    await one.send(read('loader'), local);
    const { from } = await one.next();
    for (const bytes of [[], [0], [0, 9, 9], [0, 3], [0, 1, 65]]) await one.send(Uint8Array.from(bytes), from);
    await one.send({ op: 'ACK', block: 1 }, from);
    expect((await one.next()).packet).toMatchObject({ op: 'DATA', block: 2 });
  });

  test('a repeated request is the same transfer; another one from the same port is a new one', async () => {
    const local = await start();
    const one = await client();
    await one.send(read('loader', { tsize: '0' }), local);
    const first = await one.next();
    await one.send(read('loader', { tsize: '0' }), local);
    const again = await one.next();
    expect(again).toEqual(first);
    await one.send({ op: 'ACK', block: 0 }, first.from);
    expect((await one.next()).packet).toMatchObject({ op: 'DATA', block: 1 });
    await one.send(read('small'), local);
    const fresh = await one.next();
    expect(fresh.from).not.toEqual(first.from);
    expect(fresh.packet).toMatchObject({ op: 'DATA', block: 1, bytes: Buffer.from('hello') });
    expect((await factsUntil(3)).map(({ kind }) => kind)).toEqual(['tftp.read', 'tftp.failed', 'tftp.read']);
  });
});

describe('a client that stops', () => {
  test('in silence is given up', async () => {
    const local = await start({ limits: quick });
    const one = await client();
    await one.send(read('loader'), local);
    const [, failed] = await factsUntil(2);
    expect(failed).toMatchObject({
      kind: 'tftp.failed',
      text: 'got only 0 of 70085 bytes of loader: the client fell silent',
      data: { sent: 0, end: 'silent' },
    });
    expect(one.waiting()).toBe(3);
  });

  test('with an error is believed', async () => {
    const local = await start();
    const one = await client();
    await one.send(read('loader'), local);
    const { from } = await one.next();
    await one.send({ op: 'ERROR', code: 3, message: 'Disk full' }, from);
    const [, failed] = await factsUntil(2);
    expect(failed).toMatchObject({
      kind: 'tftp.failed',
      data: { end: 'aborted', reason: "the client broke off with error 3 'Disk full'" },
    });
  });

  test('by closing its port is noticed at once', async () => {
    const local = await start({ limits: { transfer: { ...defaultTransferLimits, waitMs: 20, repeats: 100 } } });
    const one = await openTestClient();
    await one.send(read('loader'), local);
    await one.next();
    await one.socket.close();
    const [, failed] = await factsUntil(2);
    expect(failed).toMatchObject({ kind: 'tftp.failed', data: { end: 'unreachable' } });
  });

  test('before the last acknowledgement has the file all the same', async () => {
    const local = await start({ limits: quick });
    const one = await client();
    await one.send(read('small', { tsize: '0' }), local);
    await one.send({ op: 'ACK', block: 0 }, (await one.next()).from);
    const [, done] = await factsUntil(2);
    expect(done).toMatchObject({ kind: 'tftp.done', data: { confirmed: false, bytes: 5 } });
  });
});

describe('refusals', () => {
  test.each<[string, ReturnType<typeof read>, string]>([
    ['an unknown file', read('none'), 'ERROR 1 file not found'],
    ['a write', { ...read('small'), op: 'WRQ' } as ReturnType<typeof read>, 'ERROR 2 this server takes no files'],
    ['the mode mail', read('small', {}, 'mail'), 'ERROR 4 only the modes octet and netascii are served'],
  ])('%s', async (_name, request, error) => {
    const local = await start();
    await expect(fetchFile(local, request)).rejects.toThrow(error);
    expect(facts).toEqual([expect.objectContaining({ kind: 'tftp.refused', address: '127.0.0.1' })]);
  });

  test('a name of any length is told in part', async () => {
    const local = await start();
    await expect(fetchFile(local, read('x'.repeat(1000)))).rejects.toThrow('ERROR 1');
    expect((facts[0]!.data!.path as string).length).toBeLessThan(300);
  });

  test('a file that cannot be read is our fault, and the next one is served', async () => {
    const local = await start({
      open: (path, peer) => (path === 'bad' ? Promise.reject(new Error('EIO')) : open(path, peer)),
    });
    await expect(fetchFile(local, read('bad'))).rejects.toThrow(
      'ERROR 0 the server failed to read the file; see its log',
    );
    expect((await fetchFile(local, read('small'))).toString()).toBe('hello');
  });

  test('beyond its share a client is not answered, so that it asks again', async () => {
    const local = await start({ limits: { transfersPerPeer: 2 } });
    const held = [await client(), await client()];
    for (const one of held) {
      await one.send(read('loader'), local);
      await one.next();
    }
    const third = await client();
    await third.send(read('small'), local);
    const all = await factsUntil(3);
    expect(all[2]).toMatchObject({
      kind: 'tftp.refused',
      data: { path: 'small', reason: 'too many transfers at once' },
    });
    const { from } = await (async () => {
      await held[0]!.send(read('small'), local);
      return held[0]!.next();
    })();
    await held[0]!.send({ op: 'ACK', block: 1 }, from);
    await factsUntil(6);
    await third.send(read('small'), local);
    expect((await third.next()).packet).toMatchObject({ op: 'DATA', block: 1 });
  });

  test('who is not admitted is not answered', async () => {
    const asked: string[] = [];
    const local = await start({
      admit: (peer) => {
        asked.push(peer);
        return asked.length > 1;
      },
    });
    const one = await client();
    await one.send(read('none'), local);
    await one.send(read('small'), local);
    expect((await one.next()).packet).toMatchObject({ op: 'DATA' });
    expect(asked).toEqual(['127.0.0.1', '127.0.0.1']);
  });

  test('datagrams that are no request are never answered, and never harm', async () => {
    const local = await start();
    const one = await client();
    for (const bytes of [
      [],
      [0],
      [1],
      [0, 1],
      [0, 1, 0],
      [0, 3, 0, 1],
      [0, 4, 0, 1],
      [0, 5, 0, 1],
      [0, 6],
      [255, 255, 255],
    ]) {
      await one.send(Uint8Array.from(bytes), local);
    }
    await one.send(read('small'), local);
    expect((await one.next()).packet).toMatchObject({ op: 'DATA', block: 1 });
    expect(one.waiting()).toBe(0);
  });
});

describe('the role', () => {
  test('a taken port names who holds it', async () => {
    const { port } = await start();
    const second = createTftpServer({
      address: '127.0.0.1',
      port,
      open,
      record: () => undefined,
      log: createLog('silent'),
    });
    await expect(second.start()).rejects.toMatchObject({
      code: 'port-in-use',
      message: expect.stringContaining(`process ${process.pid}`) as string,
    });
  });

  test('drain lets transfers end and takes no new ones', async () => {
    const local = await start();
    const one = await client();
    await one.send(read('small'), local);
    const { from } = await one.next();
    const drained = server.drain();
    await one.send({ op: 'ACK', block: 1 }, from);
    await drained;
    expect(facts.map(({ kind }) => kind)).toEqual(['tftp.read', 'tftp.done']);
    expect(server.local()).toBeUndefined();
  });

  test('stop tells clients that it is over', async () => {
    const local = await start();
    const one = await client();
    await one.send(read('loader'), local);
    await one.next();
    await server.stop();
    expect((await one.next()).packet).toEqual({ op: 'ERROR', code: 0, message: 'the server stops' });
    expect(facts[1]).toMatchObject({ kind: 'tftp.failed', data: { end: 'stopped' } });
  });
});

import { connect } from 'node:net';
import { networkInterfaces } from 'node:os';
import { openDatagram, type Peer } from '../../src/net/datagram.ts';
import { isIpv4 } from '../../src/net/address.ts';
import { southboundRoutes } from '../../src/southbound/app.ts';
import type { SouthboundDeps } from '../../src/southbound/deps.ts';
import { openTestWorld, type TestWorld } from '../support/world.ts';

/**
 * The two networks share no route: what the server answers on one side it does not answer on the other, at none of its
 * addresses, though the admin side listens on all of them here.
 */

const number = 23;
const network = `127.${30 + number}`;
const southboundAddress = `${network}.0.1`;
const node = `${network}.1.7`;
/** Loopback addresses that are neither the boot network's nor the one that the lab uses. */
const strangers = ['127.0.0.1', '127.99.0.7'];
const ports = { admin: 21_000 + number * 10, http: 21_001 + number * 10, tftp: 21_004 + number * 10 };

interface Operation {
  readonly method: string;
  readonly path: string;
}

let world: TestWorld;
let operations: Operation[];

beforeAll(async () => {
  world = await openTestWorld({
    number,
    count: 0,
    bmcs: false,
    config: { admin: { address: '0.0.0.0', auth: 'none', hosts: ['rack.example'] } },
  });
  const document = await world.json<{ paths: Record<string, Record<string, unknown>> }>('/openapi.json');
  const own = Object.entries(document.paths).flatMap(([path, methods]) =>
    ['head', 'options', ...Object.keys(methods)].map((method) => ({
      method: method.toUpperCase(),
      path: filled(path),
    })),
  );
  const current = own.filter(({ path }) => path.startsWith('/api/2.0'));
  operations = [...own, ...current.map(({ method, path }) => ({ method, path: path.replace('/2.0', '/current') }))];
}, 60_000);
afterAll(() => world.close());

/** Every IPv4 address at which this machine can be reached, the server's southbound one first. */
function addresses(): string[] {
  const own = Object.values(networkInterfaces()).flatMap((infos) => (infos ?? []).map(({ address }) => address));
  return [...new Set([southboundAddress, ...own.filter(isIpv4), '127.0.0.1'])];
}

describe('from the boot network', () => {
  test('no admin route answers, at any address of the server', async () => {
    expect(operations.length).toBeGreaterThan(150);
    for (const address of addresses()) {
      const answers = await askAll(operations, { from: node, address, port: ports.admin });
      expect(answers.filter(({ answer }) => answer !== '')).toEqual([]);
    }
  }, 60_000);

  test('a connection is cut before anything was asked', async () => {
    expect(await exchange('', { from: node, address: southboundAddress, port: ports.admin })).toBe('');
  });

  test('every southbound route answers', async () => {
    const answers = await askAll(southboundOperations(), {
      from: node,
      address: southboundAddress,
      port: ports.http,
    });
    expect(answers.filter(({ answer }) => !answer.startsWith('HTTP/1.1 '))).toEqual([]);
  }, 60_000);

  test('no admin path is served by the southbound listener', async () => {
    const southbound = new Set(southboundOperations().map(({ path }) => path));
    const admin = operations.filter(({ path }) => !southbound.has(path));
    const answers = await askAll(admin, { from: node, address: southboundAddress, port: ports.http });
    expect(answers.filter(({ answer }) => !answer.startsWith('HTTP/1.1 404 '))).toEqual([]);
  }, 60_000);
});

describe('from elsewhere', () => {
  test('every admin route answers, at every address', async () => {
    for (const address of addresses()) {
      const answers = await askAll(operations, { from: '127.0.0.1', address, port: ports.admin });
      expect(answers.filter(({ answer }) => !answer.startsWith('HTTP/1.1 '))).toEqual([]);
    }
  }, 60_000);

  test.each(strangers)(
    'no southbound route answers %s',
    async (from) => {
      const answers = await askAll(southboundOperations(), { from, address: southboundAddress, port: ports.http });
      expect(answers.length).toBeGreaterThan(10);
      expect(answers.filter(({ answer }) => answer !== '')).toEqual([]);
    },
    60_000,
  );

  test.each(strangers)(
    'TFTP does not answer %s',
    async (from) => {
      // One socket of the server takes them in turn: with the second answered, the first was passed over.
      const server = { address: southboundAddress, port: ports.tftp };
      const stranger = await openAsker(from);
      const own = await openAsker(node);
      try {
        await stranger.ask(server);
        await own.ask(server);
        await own.answered;
        expect(stranger.answers()).toBe(0);
      } finally {
        await Promise.all([stranger.close(), own.close()]);
      }
    },
    30_000,
  );
});

describe('web pages of strangers', () => {
  const at = { from: '127.0.0.1', address: '127.0.0.1', port: ports.admin };

  test('a name that is not ours is refused on every route', async () => {
    const answers = await askAll(operations, { ...at, host: 'evil.example' });
    expect(answers.filter(({ answer }) => !answer.startsWith('HTTP/1.1 421 '))).toEqual([]);
  }, 60_000);

  test("another page's origin is refused on every route", async () => {
    const answers = await askAll(operations, { ...at, origin: 'http://evil.example' });
    expect(answers.filter(({ answer }) => !answer.startsWith('HTTP/1.1 403 '))).toEqual([]);
  }, 60_000);

  test('our own names and pages are taken', async () => {
    const health = [{ method: 'GET', path: '/healthz' }];
    for (const host of [`localhost:${ports.admin}`, `127.0.0.1:${ports.admin}`, 'rack.example']) {
      const [same] = await askAll(health, { ...at, host, origin: `http://${host}` });
      expect(same?.answer).toMatch(/^HTTP\/1\.1 200 /);
    }
  });
});

/** The paths that nodes use; the routes are listed, never called. */
function southboundOperations(): Operation[] {
  return southboundRoutes({} as SouthboundDeps).flatMap(({ method, path }) =>
    [method, 'head', 'options'].map((name) => ({ method: name.toUpperCase(), path: filled(path) })),
  );
}

/** A path with something in the place of each parameter. */
function filled(path: string): string {
  return path.replace(/\{\w+\}|[:*]\w+/g, '65f1a2b3c4d5e6f708192a3b');
}

interface Place {
  readonly from: string;
  readonly address: string;
  readonly port: number;
  readonly host?: string;
  readonly origin?: string;
}

async function askAll(all: readonly Operation[], place: Place): Promise<(Operation & { answer: string })[]> {
  const answers: (Operation & { answer: string })[] = [];
  for (const { method, path } of all) {
    const head = [
      `${method} ${path} HTTP/1.1`,
      `host: ${place.host ?? place.address}`,
      'content-length: 0',
      'connection: close',
      ...(place.origin === undefined ? [] : [`origin: ${place.origin}`]),
    ];
    const answer = await exchange(`${head.join('\r\n')}\r\n\r\n`, place);
    answers.push({ method, path, answer });
  }
  return answers;
}

/** Sends a request and resolves with the first bytes of an answer, or '' where the connection ended without one. */
function exchange(request: string, { from, address, port }: Place): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect({ host: address, port, localAddress: from }, () => socket.write(request));
    const end = (answer: string) => () => {
      socket.destroy();
      resolve(answer);
    };
    socket.on('data', (bytes) => {
      end(bytes.toString('latin1').split('\r\n')[0] ?? '')();
    });
    socket.on('error', end(''));
    socket.on('close', end(''));
  });
}

/** A socket that asks for a loader by TFTP and counts what comes back. */
async function openAsker(address: string) {
  let count = 0;
  let told: () => void = () => undefined;
  const answered = new Promise<void>((resolve) => (told = resolve));
  const socket = await openDatagram({
    address,
    port: 0,
    onDatagram() {
      count += 1;
      told();
    },
    onError: () => undefined,
  });
  const request = new TextEncoder().encode('\0\u0001undionly.kpxe\0octet\0');
  return {
    answered,
    answers: () => count,
    ask: (server: Peer) => socket.send(request, server),
    close: () => socket.close(),
  };
}

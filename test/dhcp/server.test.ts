import type { AskBoot, BootClient } from '../../src/boot/client.ts';
import { decodePacket, encodePacket, messageType, type DhcpPacket } from '../../src/dhcp/packet.ts';
import { describeOptions } from '../../src/dhcp/options.ts';
import { createDhcpServer, type DhcpServerDeps } from '../../src/dhcp/server.ts';
import { createLog } from '../../src/log.ts';
import type { NewFact } from '../../src/model/fact.ts';
import type { Role } from '../../src/model/role.ts';
import { parseNetwork } from '../../src/net/address.ts';
import { openDatagram, type DatagramSocket } from '../../src/net/datagram.ts';
import type { OpenStore } from '../../src/store/collections.ts';
import { openSqliteStore } from '../../src/store/sqlite/store.ts';
import { makeMessage, pxeOptions } from './messages.ts';
import { makeSubnet } from './subnets.ts';

/** The test is a relay at 127.0.0.2: replies come to it by unicast, as no broadcast leaves the loopback interface. */
const relay = '127.0.0.2';
const serverAddress = '127.0.0.1';
const subnet = makeSubnet({
  network: parseNetwork('127.0.0.0/8'),
  pools: [{ from: '127.0.0.10', to: '127.0.0.19' }],
});

let opened: OpenStore;
let server: Role;
let socket: DatagramSocket;
let facts: NewFact[];
let asked: BootClient[];
let ports: DhcpServerDeps['ports'];
const replies: DhcpPacket[] = [];
let arrived = Promise.withResolvers<undefined>();

const undionly: AskBoot = (client) => {
  asked.push(client);
  return Promise.resolve({ kind: 'file', file: 'undionly.kpxe', nextServer: serverAddress });
};

async function freePort(): Promise<number> {
  const ignore = () => undefined;
  const probe = await openDatagram({ address: '0.0.0.0', port: 0, onDatagram: ignore, onError: ignore });
  await probe.close();
  return probe.local.port;
}

async function restart(parts: Partial<DhcpServerDeps>) {
  await server.stop();
  server = await serve(parts);
}

async function serve(parts: Partial<DhcpServerDeps> = {}) {
  const server = createDhcpServer({
    subnets: [subnet],
    serverAddress,
    ports,
    store: opened.store,
    bootAnswer: undionly,
    record: (fact) => facts.push(fact),
    log: createLog('silent'),
    now: () => new Date(),
    allowOtherServers: true,
    deployment: 'test',
    ...parts,
  });
  await server.start();
  return server;
}

async function send(bytes: Uint8Array) {
  await socket.send(bytes, { address: serverAddress, port: ports.server });
}

/** Sends a message as the relay and waits for the reply to it. */
async function exchange(packet: DhcpPacket): Promise<DhcpPacket> {
  arrived = Promise.withResolvers();
  await send(encodePacket({ ...packet, giaddr: relay }, 1472).bytes);
  await arrived.promise;
  return replies.at(-1)!;
}

const kinds = () => facts.map(({ kind }) => kind);

beforeAll(async () => {
  opened = await openSqliteStore({ path: ':memory:' });
  ports = { server: await freePort(), client: await freePort(), proxy: await freePort() };
});

beforeEach(async () => {
  facts = [];
  asked = [];
  replies.length = 0;
  server = await serve();
  socket = await openDatagram({
    address: relay,
    port: ports.server,
    shared: true,
    onDatagram: (bytes) => {
      replies.push(decodePacket(bytes));
      arrived.resolve(undefined);
    },
    onError: (error) => {
      arrived.reject(error);
    },
  });
});

afterEach(async () => {
  await server.drain();
  await server.stop();
  await socket.close();
  await opened.store.leases.deleteWhere({});
});

afterAll(async () => {
  await opened.close();
});

test('DISCOVER to ACK: the lease is stored before the ACK, and every step is a fact', async () => {
  const offer = await exchange(makeMessage('DISCOVER', { options: pxeOptions(0) }));
  expect(messageType(offer)).toBe('OFFER');
  expect(await opened.store.leases.count()).toBe(0);
  const ack = await exchange(
    makeMessage('REQUEST', { requested: offer.yiaddr, server: serverAddress, options: pxeOptions(0) }),
  );
  expect(describeOptions(ack.options)).toMatchObject({ '53 message-type': 'ACK', '67 boot-file': "'undionly.kpxe'" });
  expect((await opened.store.leases.find({})).items).toMatchObject([
    { address: offer.yiaddr, mac: '52:54:00:00:00:01', uuid: '03020100-0504-0706-0809-0a0b0c0d0e0f' },
  ]);
  expect(asked[0]).toMatchObject({ arch: 0, stage: 'firmware', serverAddress });
  await server.drain();
  expect(facts.map(({ kind, text }) => `${kind}: ${text}`)).toEqual([
    'dhcp.discover: network boot firmware (architecture 0) asked for an address',
    `dhcp.offer: we offered ${offer.yiaddr} and boot file undionly.kpxe`,
    `dhcp.request: network boot firmware (architecture 0) asked to have ${offer.yiaddr} (selecting)`,
    `dhcp.ack: we gave ${offer.yiaddr} and boot file undionly.kpxe`,
  ]);
  expect(facts[3]).toMatchObject({
    mac: '52:54:00:00:00:01',
    uuid: '03020100-0504-0706-0809-0a0b0c0d0e0f',
    address: offer.yiaddr,
    how: 'self',
    data: { message: 'ACK', arch: 0, stage: 'firmware', file: 'undionly.kpxe', server: serverAddress },
  });
});

test('a node with nothing to do gets an address and no boot file, and the fact says why', async () => {
  await restart({ bootAnswer: () => Promise.resolve({ kind: 'none', reason: 'the node is discovered' }) });
  const offer = await exchange(makeMessage('DISCOVER', { options: pxeOptions(0) }));
  expect(offer).toMatchObject({ file: '', siaddr: '0.0.0.0' });
  expect(offer.options.has(67)).toBe(false);
  await server.drain();
  expect(facts.at(-1)?.text).toBe(`we offered ${offer.yiaddr} and no boot file (the node is discovered)`);
});

test('a boot decision that fails costs the boot file, not the address', async () => {
  await restart({ bootAnswer: () => Promise.reject(new Error('the store is away')) });
  const offer = await exchange(makeMessage('DISCOVER', { options: pxeOptions(0) }));
  expect(offer.options.has(67)).toBe(false);
  await server.drain();
  expect(facts.at(-1)?.text).toContain('the boot decision failed: the store is away');
});

test('a lost race is a NAK', async () => {
  const { yiaddr } = await exchange(makeMessage('DISCOVER', { mac: '52:54:00:00:00:02' }));
  await exchange(makeMessage('REQUEST', { mac: '52:54:00:00:00:02', requested: yiaddr, server: serverAddress }));
  const nak = await exchange(
    makeMessage('REQUEST', { mac: '52:54:00:00:00:03', requested: yiaddr, server: serverAddress }),
  );
  expect(messageType(nak)).toBe('NAK');
  await server.drain();
  expect(facts.at(-1)).toMatchObject({ kind: 'dhcp.nak', text: `we refused: ${yiaddr} belongs to another client` });
});

test('DECLINE and RELEASE change the lease', async () => {
  const get = async () => {
    const { yiaddr } = await exchange(makeMessage('DISCOVER'));
    await exchange(makeMessage('REQUEST', { requested: yiaddr, server: serverAddress }));
    return yiaddr;
  };
  const first = await get();
  await send(encodePacket(makeMessage('DECLINE', { requested: first, server: serverAddress, giaddr: relay })).bytes);
  const second = await get();
  expect(second).not.toBe(first);
  await send(encodePacket(makeMessage('RELEASE', { ciaddr: second, server: serverAddress })).bytes);
  await exchange(makeMessage('DISCOVER', { mac: '52:54:00:00:00:99' }));
  await server.drain();
  expect((await opened.store.leases.find({})).items).toMatchObject([{ address: first, state: 'declined' }]);
  expect(kinds()).toEqual(expect.arrayContaining(['dhcp.decline', 'dhcp.release']));
});

test('a full pool is silence and a fact', async () => {
  await restart({ subnets: [{ ...subnet, pools: [{ from: serverAddress, to: serverAddress }] }] });
  await send(encodePacket(makeMessage('DISCOVER', { giaddr: relay })).bytes);
  await exchange(makeMessage('REQUEST', { requested: '10.0.0.1' }));
  await server.drain();
  expect(facts).toContainEqual(
    expect.objectContaining({
      kind: 'dhcp.ignored',
      text: 'we did not answer: the pools of 127.0.0.0/8 have no free address',
    }),
  );
  expect(replies.map(messageType)).toEqual(['NAK']);
});

test('garbage is one fact, however much of it comes, and the next client is served', async () => {
  for (let index = 0; index < 100; index += 1) await send(new Uint8Array(index).fill(index));
  const offer = await exchange(makeMessage('DISCOVER'));
  expect(messageType(offer)).toBe('OFFER');
  await server.drain();
  expect(kinds()).toEqual(['dhcp.malformed', 'dhcp.discover', 'dhcp.offer']);
  expect(facts[0]).toMatchObject({ how: 'packet', data: { from: relay, bytes: 0 } });
});

test('a client that takes another server is noticed', async () => {
  await send(
    encodePacket(makeMessage('REQUEST', { requested: '127.0.0.77', server: '127.0.0.3', giaddr: relay })).bytes,
  );
  await exchange(makeMessage('DISCOVER'));
  await server.drain();
  expect(facts).toContainEqual(
    expect.objectContaining({ kind: 'dhcp.other-server', mac: '52:54:00:00:00:01', data: { server: '127.0.0.3' } }),
  );
});

test('a request on port 4011 is answered to its sender', async () => {
  await restart({ subnets: [{ ...subnet, addresses: false, pools: [] }] });
  const request = makeMessage('REQUEST', { ciaddr: relay, options: pxeOptions(7) });
  arrived = Promise.withResolvers();
  await socket.send(encodePacket(request).bytes, { address: serverAddress, port: ports.proxy });
  await arrived.promise;
  expect(replies[0]).toMatchObject({ yiaddr: relay, siaddr: serverAddress, file: 'undionly.kpxe' });
  await server.drain();
  expect(facts[0]).toMatchObject({ kind: 'dhcp.request', data: { port: ports.proxy } });
});

test('does not answer the probe of its own deployment', async () => {
  const text = new TextEncoder().encode('rackwright-probe:test');
  await send(encodePacket(makeMessage('DISCOVER', { giaddr: relay, options: { 60: [...text] } })).bytes);
  await exchange(makeMessage('DISCOVER', { mac: '52:54:00:00:00:02' }));
  await server.drain();
  expect(facts.every(({ mac }) => mac === '52:54:00:00:00:02')).toBe(true);
});

test('a second server on the same ports is refused, naming the first', async () => {
  await expect(serve()).rejects.toMatchObject({
    code: 'port-in-use',
    message: expect.stringContaining(`(process ${process.pid})`) as string,
  });
});

test('a start that fails half-way leaves no port open', async () => {
  await server.stop();
  const ignore = () => undefined;
  const blocker = await openDatagram({ address: '0.0.0.0', port: ports.proxy, onDatagram: ignore, onError: ignore });
  await expect(serve()).rejects.toMatchObject({ code: 'port-in-use' });
  await blocker.close();
  server = await serve();
  expect(messageType(await exchange(makeMessage('DISCOVER')))).toBe('OFFER');
});

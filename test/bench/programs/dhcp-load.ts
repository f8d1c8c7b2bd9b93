/**
 * Clients behind a relay, as many as wanted at once, each from DISCOVER to ACK. Arguments: the server's address, our own
 * (the relay's), number of clients, how many at once, and a number that makes their MACs differ from other runs'.
 * Prints `{ "perSecond", "timesMs" }`: the exchanges, and how long each took.
 */
import { optionCode, readIpv4 } from '../../../src/dhcp/options.ts';
import { decodePacket, encodePacket, messageType, type DhcpPacket } from '../../../src/dhcp/packet.ts';
import { openDatagram } from '../../../src/net/datagram.ts';
import { makeMessage, pxeOptions } from '../../dhcp/messages.ts';

/** What is printed. */
export interface DhcpLoad {
  readonly perSecond: number;
  readonly timesMs: readonly number[];
}

const [serverAddress = '', relay = '', ...numbers] = process.argv.slice(2);
const [clients = 0, atOnce = 0, series = 0] = numbers.map(Number);
const retryMs = 1_000;
const options = { ...pxeOptions(0), 55: [1, 3, 6, 12, 15, 28, 43, 60, 66, 67] };

const waiting = new Map<number, (reply: DhcpPacket) => void>();
const socket = await openDatagram({
  address: relay,
  port: 67,
  receiveBufferBytes: 1 << 22,
  onDatagram: (bytes) => {
    const reply = decodePacket(bytes);
    waiting.get(reply.xid)?.(reply);
  },
  onError: (error) => {
    throw error;
  },
});

async function ask(packet: DhcpPacket): Promise<DhcpPacket> {
  const { bytes } = encodePacket({ ...packet, giaddr: relay, hops: 1 });
  const { promise, resolve } = Promise.withResolvers<DhcpPacket>();
  waiting.set(packet.xid, resolve);
  const send = () => void socket.send(bytes, { address: serverAddress, port: 67 });
  send();
  const timer = setInterval(send, retryMs);
  const reply = await promise;
  clearInterval(timer);
  waiting.delete(packet.xid);
  return reply;
}

async function boot(index: number): Promise<void> {
  const pair = (shift: number) => ((index >> shift) & 255).toString(16).padStart(2, '0');
  const client = { mac: `52:54:${series.toString(16).padStart(2, '0')}:${pair(16)}:${pair(8)}:${pair(0)}`, options };
  const offer = await ask(makeMessage('DISCOVER', { ...client, xid: index * 2 }));
  const server = readIpv4(offer.options.get(optionCode.serverIdentifier)) ?? '';
  const ack = await ask(makeMessage('REQUEST', { ...client, xid: index * 2 + 1, requested: offer.yiaddr, server }));
  if (messageType(ack) !== 'ACK') throw new Error(`client ${index} got ${messageType(ack)}`);
}

let next = 0;
const timesMs: number[] = [];
const begin = performance.now();
await Promise.all(
  Array.from({ length: atOnce }, async () => {
    while (next < clients) {
      const asked = performance.now();
      await boot((next += 1));
      timesMs.push(performance.now() - asked);
    }
  }),
);
const perSecond = (clients * 1000) / (performance.now() - begin);
process.stdout.write(`${JSON.stringify({ perSecond, timesMs } satisfies DhcpLoad)}\n`);
await socket.close();

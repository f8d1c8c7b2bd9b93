import { openDatagram } from '../../src/net/datagram.ts';
import type { DatagramSocket, Peer } from '../../src/net/datagram.ts';
import { decodePacket, encodePacket } from '../../src/tftp/packet.ts';
import type { TftpPacket } from '../../src/tftp/packet.ts';
import { receive, startReceiver } from './receiver.ts';

/** A datagram that a test client got. */
export interface Heard {
  readonly packet: TftpPacket;
  readonly from: Peer;
}

/** A client whose every datagram the test decides. */
export interface TestClient {
  readonly socket: DatagramSocket;
  send(packet: TftpPacket | Uint8Array, to: Peer): Promise<void>;
  /** The next datagram, in the order of arrival. */
  next(): Promise<Heard>;
  /** Datagrams that came and were not taken yet. */
  waiting(): number;
}

export async function openTestClient(): Promise<TestClient> {
  const heard: Heard[] = [];
  let wake: (() => void) | undefined;
  const socket = await openDatagram({
    address: '127.0.0.1',
    port: 0,
    onDatagram: (bytes, from) => {
      heard.push({ packet: decodePacket(bytes), from });
      wake?.();
    },
    onError: (error) => {
      throw error;
    },
  });
  return {
    socket,
    send: (packet, to) => socket.send(packet instanceof Uint8Array ? packet : encodePacket(packet), to),
    next: async () => {
      while (heard.length === 0) await new Promise<void>((resolve) => (wake = resolve));
      return heard.shift()!;
    },
    waiting: () => heard.length,
  };
}

export const read = (file: string, options: Record<string, string> = {}, mode = 'octet'): TftpPacket => ({
  op: 'RRQ',
  file,
  mode,
  options: new Map(Object.entries(options)),
});

/** Fetches a file as a well-behaved client; an error packet is thrown as `ERROR code message`. */
export async function fetchFile(server: Peer, request: TftpPacket): Promise<Buffer> {
  const client = await openTestClient();
  try {
    await client.send(request, server);
    let receiver = startReceiver();
    while (!receiver.finished) {
      const { packet, from } = await client.next();
      if (packet.op === 'ERROR') throw new Error(`ERROR ${packet.code} ${packet.message}`);
      const result = receive(receiver, packet);
      ({ receiver } = result);
      if (result.reply) await client.send(result.reply, from);
    }
    return Buffer.concat(receiver.chunks);
  } finally {
    await client.socket.close();
  }
}

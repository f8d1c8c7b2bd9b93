import { setTimeout as sleep } from 'node:timers/promises';
import tftp, { type Client } from 'tftp';
import { openDatagram, type Peer } from '../../net/datagram.ts';
import type { Ipv4 } from '../../net/address.ts';

/**
 * Fetches a file with the package `tftp`, from the node's own address. The package cannot choose its source address, so
 * its datagrams pass through a socket that has the node's: a network card, in a way.
 */
export async function fetchByTftp(path: string, { server, from }: { server: Peer; from: Ipv4 }): Promise<Uint8Array> {
  let client: Peer | undefined;
  let transfer: Peer = server;
  const ignore = (): void => undefined;
  const outside = await openDatagram({
    address: from,
    port: 0,
    onDatagram(bytes, peer) {
      transfer = peer;
      if (client) inside.send(bytes, client).catch(ignore);
    },
    onError: ignore,
  });
  const inside = await openDatagram({
    address: '127.0.0.1',
    port: 0,
    onDatagram(bytes, peer) {
      client = peer;
      outside.send(bytes, transfer).catch(ignore);
    },
    onError: ignore,
  });
  try {
    return await read(
      tftp.createClient({ host: '127.0.0.1', port: inside.local.port, retries: 3, timeout: 2000 }),
      path,
    );
  } finally {
    // The package says "end" before its last acknowledgement has passed through here.
    await sleep(20);
    await Promise.all([inside.close(), outside.close()]);
  }
}

/** By events: the package's streams close before they end, which an iterator takes for a break. */
function read(client: Client, path: string): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    client
      .createGetStream(path)
      .on('data', (chunk: Buffer) => chunks.push(chunk))
      .on('end', () => {
        resolve(Buffer.concat(chunks));
      })
      .on('error', reject);
  });
}

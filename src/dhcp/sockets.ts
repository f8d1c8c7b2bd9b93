import type { Ipv4 } from '../net/address.ts';
import { assertPortFree, openDatagram, type DatagramSocket, type Peer } from '../net/datagram.ts';
import { unspecified } from './packet.ts';
import type { Arrival, Endpoint } from './situation.ts';

/** One of the server's two services (ports 67 and 4011). */
export interface Service {
  send(bytes: Uint8Array, to: Endpoint): Promise<void>;
  close(): Promise<void>;
}

export interface ServiceOptions {
  readonly service: Arrival['service'];
  readonly serverAddress: Ipv4;
  readonly port: number;
  onDatagram(bytes: Uint8Array, arrival: Arrival): void;
  onError(error: unknown): void;
}

/** A thousand machines that are switched on together ask in the same second. */
const receiveBufferBytes = 1 << 20;

/**
 * Opens two sockets for the one port. The one bound to all addresses hears broadcasts. The one bound to our own address
 * hears what is sent to that, and sends: a broadcast leaves through the interface that has the address, where an unbound
 * socket would follow the default route. The kernel gives each datagram to one of them only, as broadcasts do not match
 * an address and the more specific binding wins for the rest.
 */
export async function openService(options: ServiceOptions): Promise<Service> {
  const { service, serverAddress, port } = options;
  await assertPortFree({ address: serverAddress, port });
  const open = (address: Ipv4, unicast: boolean): Promise<DatagramSocket> =>
    openDatagram({
      address,
      port,
      shared: true,
      broadcast: true,
      receiveBufferBytes,
      onDatagram: (bytes: Uint8Array, from: Peer) => {
        options.onDatagram(bytes, { from, unicast, service });
      },
      onError: (error) => {
        options.onError(error);
      },
    });
  const broadcasts = await open(unspecified, false);
  try {
    const own = await open(serverAddress, true);
    return {
      send: (bytes, to) => own.send(bytes, to),
      close: async () => {
        await Promise.all([broadcasts.close(), own.close()]);
      },
    };
  } catch (error) {
    await broadcasts.close();
    throw error;
  }
}

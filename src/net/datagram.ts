import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import type { Ipv4 } from './address.ts';
import { bindError } from './bind-error.ts';

/** The other end of a datagram. */
export interface Peer {
  readonly address: Ipv4;
  readonly port: number;
}

/** An open UDP socket over IPv4. */
export interface DatagramSocket {
  /** Where it is bound; the port is the real one when 0 was asked for. */
  readonly local: Peer;
  /** Hands one datagram to the kernel; rejects with the system's error (ENETUNREACH, EMSGSIZE, ...). */
  send(bytes: Uint8Array, to: Peer): Promise<void>;
  /** Resolves when the socket is closed; nothing is received after the call. Closing twice does no harm. */
  close(): Promise<void>;
}

export interface DatagramOptions {
  /** `0.0.0.0` for all; broadcasts arrive only there. */
  readonly address: Ipv4;
  /** 0: a free one. */
  readonly port: number;
  /** May send to broadcast addresses. */
  readonly broadcast?: boolean;
  /**
   * The port may be shared with other sockets that say the same (SO_REUSEADDR), in this process or another: ask
   * `assertPortFree` first where another program would be a mistake.
   */
  readonly shared?: boolean;
  /** How much the kernel keeps for us while we are busy; it gives less where `net.core.rmem_max` is smaller. */
  readonly receiveBufferBytes?: number;
  /** Called for every datagram. The bytes are the callee's to keep. What it throws goes to `onError`. */
  onDatagram(bytes: Uint8Array, from: Peer): void;
  /** Faults of the open socket. The socket stays open. */
  onError(error: unknown): void;
}

/**
 * Opens a UDP socket. Throws a RackwrightError: `port-in-use` (names the program that holds the port), `no-address` (no
 * interface has the address), `not-permitted` (a low port without the privilege), or `socket`.
 */
export async function openDatagram(options: DatagramOptions): Promise<DatagramSocket> {
  const socket = createSocket({ type: 'udp4', reuseAddr: options.shared === true });
  try {
    socket.bind({ address: options.address, port: options.port, exclusive: true });
    await once(socket, 'listening');
    if (options.broadcast === true) socket.setBroadcast(true);
    if (options.receiveBufferBytes !== undefined) socket.setRecvBufferSize(options.receiveBufferBytes);
  } catch (error) {
    socket.close();
    throw await bindError('udp', options, error);
  }
  socket.on('error', (error) => {
    options.onError(error);
  });
  socket.on('message', (bytes, remote) => {
    try {
      options.onDatagram(bytes, { address: remote.address, port: remote.port });
    } catch (error) {
      options.onError(error);
    }
  });
  return wrap(socket);
}

/** A socket that talks to one peer only. */
export interface ConnectedSocket {
  readonly local: Peer;
  /** Hands one datagram to the kernel; a failure goes to `onError`. */
  send(bytes: Uint8Array): void;
  close(): void;
}

export interface ConnectOptions {
  /** Local address to send from; `0.0.0.0` leaves it to the route. */
  readonly address: Ipv4;
  readonly peer: Peer;
  onDatagram(bytes: Uint8Array): void;
  /** Also when the peer answers that nothing listens there (ECONNREFUSED). The socket stays open. */
  onError(error: unknown): void;
}

/**
 * Opens a socket on a free port, connected: the kernel keeps datagrams of all other senders away. Rejects with the
 * system's error if the peer cannot be reached.
 */
export async function connectDatagram(options: ConnectOptions): Promise<ConnectedSocket> {
  const { address, peer } = options;
  const socket = createSocket('udp4');
  try {
    socket.bind({ address, port: 0, exclusive: true });
    await once(socket, 'listening');
    socket.connect(peer.port, peer.address);
    await once(socket, 'connect');
  } catch (error) {
    socket.close();
    throw error;
  }
  socket.on('error', (error) => {
    options.onError(error);
  });
  socket.on('message', (bytes, remote) => {
    // What came between bind and connect was not filtered yet.
    if (remote.port === peer.port && remote.address === peer.address) options.onDatagram(bytes);
  });
  const local = socket.address();
  let open = true;
  return {
    local: { address: local.address, port: local.port },
    send: (bytes) => {
      if (open) socket.send(bytes);
    },
    close: () => {
      if (!open) return;
      open = false;
      socket.removeAllListeners('message');
      socket.close();
    },
  };
}

/**
 * Throws `port-in-use` if anybody has the port open on this address or on all of them, even if they would share it: of
 * two programs that share a port each gets every broadcast, and unicasts go to either.
 */
export async function assertPortFree(endpoint: Peer): Promise<void> {
  const ignore = (): void => undefined;
  const probe = await openDatagram({ ...endpoint, onDatagram: ignore, onError: ignore });
  await probe.close();
}

function wrap(socket: Socket): DatagramSocket {
  const { address, port } = socket.address();
  let closed: Promise<void> | undefined;
  return {
    local: { address, port },
    send: (bytes, to) =>
      new Promise((resolve, reject) => {
        socket.send(bytes, to.port, to.address, (error) => {
          if (error === null) resolve();
          else reject(error);
        });
      }),
    close: () => {
      closed ??= new Promise((resolve) => {
        socket.removeAllListeners('message');
        socket.close(() => {
          resolve();
        });
      });
      return closed;
    },
  };
}

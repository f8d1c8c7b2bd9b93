import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { peerAddress } from '../net/address.ts';
import type { Admission } from './admission.ts';

/** The open connections of a listener, and what is being answered on them. */
export interface Connections {
  /** Keeps a new connection, or cuts it where it is not admitted. */
  accept(socket: Socket): void;
  /** An answer is under way, until it is closed. */
  answering(response: ServerResponse): void;
  /** Ends every connection as soon as nothing is being answered on it. */
  endWhenIdle(): void;
  /** Answers under way. */
  busy(): number;
  /** Cuts every connection. */
  cut(): void;
  /** Resolves when every connection is closed. */
  ended(): Promise<void>;
}

export function createConnections(admission: Admission): Connections {
  const sockets = new Set<Socket>();
  const active = new Set<ServerResponse>();
  let ending = false;
  let lastClosed = (): void => undefined;

  // Node's own closeIdleConnections spares connections that have not asked anything yet.
  const endIdle = (): void => {
    const busy = new Set([...active].map((response) => response.req.socket));
    // A connection by TLS is answered on another object than the one that was accepted.
    const busyTls = new Set([...busy].filter((socket) => socket instanceof TLSSocket).map(ends));
    for (const socket of sockets) if (!busy.has(socket) && !busyTls.has(ends(socket))) socket.destroySoon();
  };

  return {
    accept: (socket) => {
      const release = admission.enter(peerAddress(socket.remoteAddress));
      if (release === undefined) {
        socket.destroy();
        return;
      }
      sockets.add(socket);
      socket.once('close', () => {
        sockets.delete(socket);
        release();
        if (sockets.size === 0) lastClosed();
      });
    },
    answering: (response) => {
      if (ending) response.setHeader('connection', 'close');
      active.add(response);
      response.once('close', () => {
        active.delete(response);
        if (ending) endIdle();
      });
    },
    endWhenIdle: () => {
      ending = true;
      for (const response of active) if (!response.headersSent) response.setHeader('connection', 'close');
      endIdle();
    },
    cut: () => {
      for (const socket of sockets) socket.destroy();
    },
    busy: () => active.size,
    ended: () =>
      new Promise((resolve) => {
        lastClosed = resolve;
        if (sockets.size === 0) resolve();
      }),
  };
}

/** Both ends of a TCP connection, which no other has. */
function ends(socket: Socket): string {
  return [socket.remoteAddress, socket.remotePort, socket.localAddress, socket.localPort].join(' ');
}

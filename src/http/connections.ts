import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
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
    for (const socket of sockets) if (!busy.has(socket)) socket.destroySoon();
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
    busy: () => active.size,
    ended: () =>
      new Promise((resolve) => {
        lastClosed = resolve;
        if (sockets.size === 0) resolve();
      }),
  };
}

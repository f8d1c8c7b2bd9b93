import { once } from 'node:events';
import type { Socket } from 'node:net';
import { connect, createServer } from 'node:net';
import { RackwrightError } from '../errors.ts';

/** One end of a forwarder: a unix socket, or a TCP port. */
export type Endpoint = { readonly path: string } | { readonly host: string; readonly port: number };

export interface Forwarder {
  /** The TCP port listened on; undefined for a unix socket. */
  readonly port: number | undefined;
  readonly close: () => Promise<void>;
}

/**
 * Hands every connection on to another endpoint, in both directions. Unix sockets reach across network namespaces: that
 * is how the lab's server, which sees only the lab's network, is reached from the machine. Throws code `port-in-use`.
 */
export async function createForwarder(from: Endpoint, to: Endpoint): Promise<Forwarder> {
  const open = new Set<Socket>();
  const keep = (socket: Socket): void => {
    open.add(socket);
    socket.once('close', () => open.delete(socket));
  };
  const server = createServer({ allowHalfOpen: true }, (near) => {
    const far = connect({ ...to, allowHalfOpen: true });
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ] as const) {
      keep(socket);
      socket.on('error', () => {
        socket.destroy();
        other.destroy();
      });
      socket.once('close', () => {
        if (socket.errored !== null || !socket.readableEnded) other.destroy();
      });
    }
    near.pipe(far);
    far.pipe(near);
  });
  server.listen(from);
  try {
    await once(server, 'listening');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    const where = 'path' in from ? from.path : `port ${from.port} of ${from.host}`;
    throw new RackwrightError('port-in-use', `${where} is taken by another program: choose another --port`, {
      cause: error,
    });
  }
  const bound = server.address();
  return {
    port: typeof bound === 'object' && bound !== null ? bound.port : undefined,
    close: async () => {
      const closed = once(server, 'close');
      server.close();
      for (const socket of open) socket.destroy();
      await closed;
    },
  };
}

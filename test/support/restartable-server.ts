import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** An HTTP server on loopback that can be killed and comes back at the same port. */
export interface RestartableServer {
  readonly url: () => string;
  readonly start: () => Promise<void>;
  /** Closes the port and every connection at once, as a killed server would. */
  readonly kill: () => Promise<void>;
}

/** What `serve` rejects with breaks the connection; the port is chosen by the first start. */
export function createRestartableServer(
  serve: (request: IncomingMessage, response: ServerResponse) => Promise<void>,
): RestartableServer {
  let server: Server | undefined;
  let port = 0;
  return {
    url: () => `http://127.0.0.1:${port}`,
    async start() {
      server = createServer((request, response) => {
        serve(request, response).catch(() => response.destroy());
      });
      server.listen(port, '127.0.0.1');
      await once(server, 'listening');
      port = (server.address() as AddressInfo).port;
    },
    async kill() {
      if (server === undefined) return;
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
      server = undefined;
    },
  };
}

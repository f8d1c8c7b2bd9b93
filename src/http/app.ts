import type { RequestListener } from 'node:http';
import express from 'express';
import type { RequestHandler } from 'express';
import { peerAddress } from '../net/address.ts';
import { formatRfc9457 } from './problem.ts';
import { respondProblem } from './respond.ts';

/** One thing a listener serves: everything below `path` (default `/`) goes to `handler` until one answers. */
export interface Mount {
  readonly path?: string;
  readonly handler: RequestHandler;
}

export interface HttpAppOptions {
  /**
   * Requests come over a unix socket from a proxy on this machine: the peer is who the proxy says, last in
   * X-Forwarded-For, and `admit` says of each request what a listener would say of a connection. Without it, and over
   * TCP always, the peer is who holds the connection.
   */
  readonly behindProxy?: { readonly admit: (peer: string) => boolean };
}

/**
 * Puts routers and middleware together to one request handler for a listener, tried in the order of the list. The last
 * mount should be a router at `/`, which answers what nobody served.
 */
export function createHttpApp(mounts: readonly Mount[], { behindProxy }: HttpAppOptions = {}): RequestListener {
  const app = express();
  // Our answers carry their own validators where they have any; hashing every answer costs a seventh of the requests a second.
  app.set('etag', false);
  app.disable('x-powered-by');
  app.use((_request, response, next) => {
    response.setHeader('x-content-type-options', 'nosniff');
    next();
  });
  if (behindProxy !== undefined) {
    app.set('trust proxy', (address: string | undefined) => address === undefined);
    app.use(admitPeers(behindProxy.admit));
  }
  for (const { path, handler } of mounts) app.use(path ?? '/', handler);
  return (request, response) => {
    app(request, response);
  };
}

function admitPeers(admit: (peer: string) => boolean): RequestHandler {
  return (request, response, next) => {
    const peer = peerAddress(request.ip);
    if (admit(peer)) next();
    else {
      const who = peer === '' ? 'the proxy named no peer in X-Forwarded-For' : `this listener is not for ${peer}`;
      respondProblem({ status: 403, detail: who }, request, response, formatRfc9457);
    }
  };
}

import type { RequestListener } from 'node:http';
import express from 'express';
import type { RequestHandler } from 'express';

/** One thing a listener serves: everything below `path` (default `/`) goes to `handler` until one answers. */
export interface Mount {
  readonly path?: string;
  readonly handler: RequestHandler;
}

/**
 * Puts routers and middleware together to one request handler for a listener, tried in the order of the list. The last
 * mount should be a router at `/`, which answers what nobody served.
 */
export function createHttpApp(mounts: readonly Mount[]): RequestListener {
  const app = express();
  // Our answers carry their own validators where they have any; hashing every answer costs a seventh of the requests a second.
  app.set('etag', false);
  app.disable('x-powered-by');
  app.use((_request, response, next) => {
    response.setHeader('x-content-type-options', 'nosniff');
    next();
  });
  for (const { path, handler } of mounts) app.use(path ?? '/', handler);
  return (request, response) => {
    app(request, response);
  };
}

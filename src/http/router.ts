import { randomBytes } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { Router } from 'express';
import type { ErrorRequestHandler, Request, RequestHandler, Response } from 'express';
import { RackwrightError } from '../errors.ts';
import type { Log } from '../log.ts';
import { peerAddress } from '../net/address.ts';
import { parseRequest } from './parse.ts';
import { formatRfc9457, problemOf } from './problem.ts';
import type { FormatProblem } from './problem.ts';
import { respond, respondProblem } from './respond.ts';
import type { Route } from './route.ts';

export interface RouterOptions {
  readonly log: Log;
  /** The form of problem bodies; RFC 9457 if absent. */
  readonly formatProblem?: FormatProblem;
  /** Aborted when the server drains: ends long polls and event streams by their `signal`. */
  readonly draining?: AbortSignal;
}

interface Context {
  readonly log: Log;
  readonly format: FormatProblem;
  readonly draining: AbortSignal | undefined;
}

/**
 * Serves a list of routes, and answers everything else below its mount point itself: an unknown path by 404, a method
 * that the path does not have by 405. A route listed first wins. Throws `route-duplicate` if one is listed twice.
 */
export function createRouter(routes: readonly Route[], options: RouterOptions): Router {
  const context = { log: options.log, format: options.formatProblem ?? formatRfc9457, draining: options.draining };
  const router = Router();
  for (const [path, methods] of byPath(routes)) {
    const place = router.route(path).all(noteMethods([...methods.keys()].map((method) => method.toUpperCase())));
    for (const [method, route] of methods) {
      place[method]((request, response) => {
        if (route.secretPath) response.locals.loggedPath = route.path;
        return serve(route, context, request, response);
      });
    }
  }
  router.use(answerUnserved(context.format));
  router.use(answerFault(context));
  return router;
}

function byPath(routes: readonly Route[]): Map<string, Map<Route['method'], Route>> {
  const paths = new Map<string, Map<Route['method'], Route>>();
  for (const route of routes) {
    const methods = paths.get(route.path) ?? new Map<Route['method'], Route>();
    if (methods.has(route.method)) {
      throw new RackwrightError('route-duplicate', `two routes serve ${route.method} ${route.path}`);
    }
    paths.set(route.path, methods.set(route.method, route));
  }
  return paths;
}

/** Remembers which methods the paths that match would take: several patterns can match one path. */
function noteMethods(methods: readonly string[]): RequestHandler {
  return (_request, response, next) => {
    response.locals.allowed = [...allowedMethods(response), ...methods];
    next();
  };
}

function allowedMethods(response: Response): readonly string[] {
  return (response.locals.allowed as readonly string[] | undefined) ?? [];
}

function answerUnserved(format: FormatProblem): RequestHandler {
  return (request, response) => {
    const allowed = allowedMethods(response);
    if (allowed.length === 0) {
      respondProblem({ status: 404, detail: `There is nothing at ${request.path}.` }, request, response, format);
      return;
    }
    const headers = { allow: [...new Set([...allowed, ...(allowed.includes('GET') ? ['HEAD'] : [])])].join(', ') };
    if (request.method === 'OPTIONS') {
      response.writeHead(204, headers).end();
      return;
    }
    const detail = `${request.method} is not possible at ${request.path}; ${headers.allow} is.`;
    respondProblem({ status: 405, detail, headers }, request, response, format);
  };
}

function answerFault(context: Context): ErrorRequestHandler {
  // eslint-disable-next-line @typescript-eslint/no-unused-vars -- Express tells error handlers by their four parameters
  return (error: unknown, request, response, _next) => {
    const reference = randomBytes(4).toString('hex');
    const problem = problemOf(error, reference);
    const path = (response.locals.loggedPath as string | undefined) ?? request.path;
    const about = { event: 'http.failed', method: request.method, path, reference };
    if (problem.status >= 500) context.log.error({ ...about, err: error }, 'a request could not be answered');
    else context.log.debug({ ...about, status: problem.status }, problem.detail);
    respondProblem(problem, request, response, context.format);
  };
}

async function serve(route: Route, context: Context, request: Request, response: ServerResponse): Promise<void> {
  const peer = peerAddress(request.ip);
  const { signal, gone } = watchClient(response, context.draining);
  try {
    const parsed = await parseRequest(route, request, request.params);
    if (!parsed.ok) {
      respondProblem(parsed.problem, request, response, context.format);
      return;
    }
    const { params, query, body } = parsed;
    const { headers } = request;
    const answer = await route.handle({ params, query, body, peer, headers, signal, stream: request });
    if (!gone()) await respond(answer, request, response, context.format);
  } catch (error) {
    if (!gone()) throw error;
    context.log.debug({ event: 'http.gone', peer, operation: route.operationId, err: error }, 'the client went away');
  }
}

/** A signal for the handler, and whether there is nobody left to answer to. */
function watchClient(
  response: ServerResponse,
  draining: AbortSignal | undefined,
): { signal: AbortSignal; gone: () => boolean } {
  const controller = new AbortController();
  const abort = (): void => {
    controller.abort();
  };
  if (draining?.aborted) abort();
  draining?.addEventListener('abort', abort, { once: true });
  response.once('close', () => {
    draining?.removeEventListener('abort', abort);
    if (!response.writableFinished) abort();
  });
  return { signal: controller.signal, gone: () => response.closed && !response.writableFinished };
}

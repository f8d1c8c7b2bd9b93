import type { IncomingMessage, ServerResponse } from 'node:http';
import type { z } from 'zod';
import type { Problem } from './problem.ts';

export type Method = 'get' | 'post' | 'put' | 'patch' | 'delete';

/**
 * What a handler is given: everything parsed by the route's own schemas. Without a schema `params` and `query` are as
 * they came and `body` is undefined.
 */
export interface RouteRequest<Params, Query, Body> {
  readonly params: Params;
  readonly query: Query;
  readonly body: Body;
  /** The peer's plain address; behind a proxy (`createHttpApp`) that of who asked the proxy. */
  readonly peer: string;
  readonly headers: Readonly<IncomingMessage['headers']>;
  /** Aborted when the client went away, and when the server drains: long polls and streams end then. */
  readonly signal: AbortSignal;
}

/**
 * What a handler answers. `problem` is written in the form of the API. `raw` takes the response over (streams, ranges,
 * server-sent events); if it resolves with a response after all, that is answered.
 */
export type RouteResponse =
  | { readonly status: number; readonly json: unknown; readonly headers?: Readonly<Record<string, string>> }
  | {
      readonly status: number;
      readonly text: string;
      readonly type: string;
      readonly headers?: Readonly<Record<string, string>>;
    }
  | {
      readonly status: number;
      readonly bytes: Uint8Array;
      readonly type: string;
      readonly headers?: Readonly<Record<string, string>>;
    }
  | { readonly status: number; readonly empty: true; readonly headers?: Readonly<Record<string, string>> }
  | { readonly problem: Problem }
  | { readonly raw: RawAnswer };

/** Resolves when it has done with the response, which it must end itself unless it resolves with a `RouteResponse`. */
export type RawAnswer = (
  request: IncomingMessage,
  response: ServerResponse,
) => Promise<RouteResponse | undefined> | Promise<void>;

/** One operation: the one source of its routing, validation, OpenAPI entry and client types. */
export interface Route<Params = unknown, Query = unknown, Body = unknown> {
  readonly method: Method;
  /** Express 5 path: `/nodes/:id`. */
  readonly path: string;
  readonly summary: string;
  readonly operationId: string;
  readonly tag: string;
  /** A parameter of the path is a secret: the log shows the route's pattern instead of the path. */
  readonly secretPath?: boolean;
  readonly params?: z.ZodType<Params>;
  readonly query?: z.ZodType<Query>;
  readonly body?: z.ZodType<Body>;
  /** How the body is read: `json` (default where `body` is given), `text`, `stream` (the handler reads `stream`). */
  readonly bodyKind?: 'json' | 'text' | 'stream';
  /** Most bytes of a json or text body; default 1 MiB. */
  readonly bodyLimit?: number;
  /** Status -> schema of the body, or a description where there is none. */
  readonly responses: Readonly<Record<number, z.ZodType | string>>;
  handle(
    request: RouteRequest<Params, Query, Body> & { readonly stream: IncomingMessage },
  ): Promise<RouteResponse> | RouteResponse;
}

/** Types a route by its schemas. */
export function defineRoute<Params = unknown, Query = unknown, Body = unknown>(
  route: Route<Params, Query, Body>,
): Route {
  // Lists of routes forget the types; the route's own schemas guard what its handler is handed.
  const forget: unknown = route;
  return forget as Route;
}

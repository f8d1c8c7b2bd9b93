import type { RequestHandler } from 'express';
import { isIP } from 'node:net';
import { formatRfc9457 } from './problem.ts';
import type { FormatProblem, Problem } from './problem.ts';
import { respondProblem } from './respond.ts';

export interface GuardOptions {
  /** Names under which the listener may be called, besides `localhost` and plain IP addresses. Lower case, no port. */
  readonly hosts: readonly string[];
  /** Other origins whose pages may call us: `https://portal.example.com`. */
  readonly origins?: readonly string[];
  readonly formatProblem?: FormatProblem;
}

/**
 * Keeps web pages of strangers away from a listener that a user's browser can reach, even one on loopback.
 *
 * A page can point its own name at our address (DNS rebinding) and then counts as same-origin; its requests still carry
 * that name in `Host`, so names that are not ours are refused. Plain IP addresses cannot be rebound. A page that asks
 * across origins is told apart by `Origin`, which must be ours.
 */
export function createGuard(options: GuardOptions): RequestHandler {
  const names = new Set(['localhost', ...options.hosts]);
  const origins = new Set(options.origins);
  const format = options.formatProblem ?? formatRfc9457;
  return (request, response, next) => {
    const { host, origin } = request.headers;
    const problem = refuseHost(host, names) ?? refuseOrigin(origin, host, origins);
    if (problem === undefined) next();
    else respondProblem(problem, request, response, format);
  };
}

/** Without a Host (HTTP/1.0) it is no browser that asks. */
function refuseHost(host: string | undefined, names: ReadonlySet<string>): Problem | undefined {
  if (host === undefined) return undefined;
  const name = hostName(host);
  if (name !== undefined && (isIP(name) !== 0 || names.has(name))) return undefined;
  return { status: 421, detail: `This server is not called '${host}'. Names it goes by are set with admin.hosts.` };
}

function refuseOrigin(
  origin: string | undefined,
  host: string | undefined,
  origins: ReadonlySet<string>,
): Problem | undefined {
  if (origin === undefined || origins.has(origin)) return undefined;
  if (host !== undefined && [`http://${host}`, `https://${host}`].includes(origin)) return undefined;
  return { status: 403, detail: `Pages of ${origin} may not call this server.` };
}

/** The name of `name:port` or `[v6]:port`, in lower case. */
function hostName(host: string): string | undefined {
  const match = /^(?:\[([0-9a-f:.]+)\]|([\w.-]+?)\.?)(?::\d{1,5})?$/i.exec(host);
  return (match?.[1] ?? match?.[2])?.toLowerCase();
}

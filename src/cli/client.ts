import { z } from 'zod';
import { describeError, RackwrightError } from '../errors.ts';

/** Talks to a running server's admin API. */
export interface Client {
  /** Throws a RackwrightError that says in words what went wrong; `refused` holds the server's own words. */
  get(path: string): Promise<unknown>;
  getText(path: string): Promise<string>;
  post(path: string, body: unknown): Promise<unknown>;
  /** Any other request without a body. */
  send(method: string, path: string, headers?: Readonly<Record<string, string>>): Promise<Response>;
  /** The server's, without a slash at its end. */
  readonly url: string;
}

/** Where the server is, if nobody says otherwise. */
export const defaultServer = 'http://127.0.0.1:9090';

const timeoutMs = 30_000;
const problemSchema = z.looseObject({ detail: z.string() });

/** A client of the server at this base URL. Throws a RackwrightError if it is none. */
export function createClient(server: string): Client {
  const base = baseUrl(server);

  const send = async (path: string, init: RequestInit): Promise<Response> => {
    const response = await fetch(base + path, { ...init, signal: AbortSignal.timeout(timeoutMs) }).catch(
      (cause: unknown) => {
        throw unreachable(base, cause);
      },
    );
    if (response.ok) return response;
    const problem = problemSchema.safeParse(await response.json().catch(() => undefined));
    const words = problem.success
      ? problem.data.detail
      : `${base} answered ${response.status}: is it a Rackwright server?`;
    throw new RackwrightError('refused', words);
  };

  const readJson = async (response: Response): Promise<unknown> => {
    try {
      return await response.json();
    } catch (cause) {
      throw new RackwrightError('not-ours', `${base} did not answer JSON: is it a Rackwright server?`, { cause });
    }
  };

  return {
    url: base,
    send: (method, path, headers = {}) => send(path, { method, headers }),
    get: async (path) => readJson(await send(path, {})),
    getText: async (path) => (await send(path, {})).text(),
    post: async (path, body) =>
      readJson(
        await send(path, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify(body),
        }),
      ),
  };
}

function baseUrl(server: string): string {
  const url = URL.canParse(server) ? new URL(server) : undefined;
  if (url === undefined || !['http:', 'https:'].includes(url.protocol)) {
    throw new RackwrightError('input', `--server: expected a URL such as ${defaultServer}, got '${server}'`);
  }
  return url.href.replace(/\/+$/, '');
}

function unreachable(base: string, cause: unknown): RackwrightError {
  if (cause instanceof Error && cause.name === 'TimeoutError') {
    return new RackwrightError('timeout', `the server at ${base} did not answer within ${timeoutMs / 1000} s`, {
      cause,
    });
  }
  const code = z.looseObject({ cause: z.looseObject({ code: z.string() }) }).safeParse(cause).data?.cause.code;
  if (code === 'ECONNREFUSED') {
    return new RackwrightError('unreachable', `no server answers at ${base}: is it running?`);
  }
  const why = describeError(cause);
  return new RackwrightError(
    'unreachable',
    `no server answers at ${base} (${why}): is it running, and is the URL right?`,
  );
}

import { describeError, RackwrightError } from '../errors.ts';

/** The admin side of the lab's server, as any client would use it. */
export interface ServerApi {
  readonly url: string;
  /** Resolves with the parsed body, undefined where the answer is 404. Throws code `server` with the server's own words. */
  readonly get: <T>(path: string) => Promise<T | undefined>;
  readonly post: <T>(path: string, body: unknown) => Promise<T>;
  /** Sends bytes as the body. `deadlineMs`: milliseconds until the server must have taken all of them. */
  readonly put: <T>(path: string, bytes: Blob, deadlineMs: number) => Promise<T>;
}

const answerMs = 30_000;

export function createServerApi(url: string): ServerApi {
  const ask = async (path: string, init: RequestInit, deadlineMs = answerMs): Promise<Response> => {
    const signal = AbortSignal.timeout(deadlineMs);
    return await fetch(url + path, { ...init, signal }).catch((cause: unknown) => {
      throw new RackwrightError('server', `the lab's server does not answer: ${describeError(cause)}`, { cause });
    });
  };
  const read = async <T>(path: string, response: Response): Promise<T> => {
    if (response.ok) return (await response.json()) as T;
    const problem = (await response.json().catch(() => undefined)) as { detail?: unknown } | undefined;
    const detail = problem?.detail;
    throw new RackwrightError('server', typeof detail === 'string' ? detail : `${path} answered ${response.status}`);
  };
  return {
    url,
    get: async (path) => {
      const response = await ask(path, {});
      if (response.status !== 404) return await read(path, response);
      await response.body?.cancel();
      return undefined;
    },
    post: async (path, body) => {
      const headers = { 'content-type': 'application/json' };
      return await read(path, await ask(path, { method: 'POST', headers, body: JSON.stringify(body) }));
    },
    put: async (path, bytes, deadlineMs) =>
      await read(path, await ask(path, { method: 'PUT', body: bytes }, deadlineMs)),
  };
}

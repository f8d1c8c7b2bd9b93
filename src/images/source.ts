import { get as httpGet, type IncomingMessage } from 'node:http';
import { get as httpsGet } from 'node:https';
import { describeError } from '../errors.ts';
import { refused, type Refused } from './refusal.ts';

/** What a web server gave when it was asked for a file. */
export type Source =
  | {
      readonly ok: true;
      readonly stream: IncomingMessage;
      /** Where in the file the stream begins: what was asked for, or 0. */
      readonly offset: number;
      /** Bytes of the whole file, where it was said. */
      readonly length?: number;
      /** Names this very version of the file, where it was said. */
      readonly validator?: string;
    }
  /** Trying again may help. */
  | { readonly ok: false; readonly again: string }
  | Refused;

export interface SourceRequest {
  readonly url: string;
  /** Bytes that we have of the version named by `validator`. */
  readonly offset: number;
  readonly validator?: string;
  readonly signal: AbortSignal;
}

const maxRedirects = 5;
const idleMs = 60_000;

/** Asks for a file, or the rest of it (RFC 9110 sections 13.1.5 and 14), as it is, and follows redirects. */
export async function openSource(request: SourceRequest): Promise<Source> {
  let url = new URL(request.url);
  for (let redirects = 0; redirects <= maxRedirects; redirects += 1) {
    const answer = await ask(url, request);
    if ('ok' in answer) return answer;
    const { location } = answer.headers;
    const status = answer.statusCode ?? 0;
    if (status < 300 || status >= 400 || location === undefined) return judge(answer, url, request);
    answer.destroy();
    if (!URL.canParse(location, url.href)) return refused('source', `${shown(url)} sends us to '${location}'.`);
    url = new URL(location, url);
    if (!['http:', 'https:'].includes(url.protocol)) {
      return refused('source', `It sends us to ${shown(url)}, which is neither http nor https.`);
    }
  }
  return refused('source', `${shown(request.url)} sends us on more than ${maxRedirects} times.`);
}

/** An address without the password that may be in it. */
export function shown(address: string | URL): string {
  const url = new URL(address);
  url.username = '';
  url.password = '';
  return url.href;
}

function ask(url: URL, { offset, validator, signal }: SourceRequest): Promise<IncomingMessage | Source> {
  const get = url.protocol === 'https:' ? httpsGet : httpGet;
  const range = offset > 0 && validator !== undefined ? { range: `bytes=${offset}-`, 'if-range': validator } : {};
  return new Promise((resolve) => {
    const request = get(url, { signal, agent: false, headers: { 'accept-encoding': 'identity', ...range } }, resolve);
    request.setTimeout(idleMs, () => {
      request.destroy(new Error(`nothing came for ${idleMs / 1000} s`));
    });
    request.on('error', (error) => {
      resolve({ ok: false, again: describeError(error) });
    });
  });
}

function judge(answer: IncomingMessage, url: URL, request: SourceRequest): Source {
  const { statusCode: status = 0, headers } = answer;
  const refuse = (why: string): Source => {
    answer.destroy();
    return refused('source', `${shown(url)} ${why}`);
  };
  if (status >= 500 || status === 429) {
    answer.destroy();
    return { ok: false, again: `${shown(url)} answers ${status}` };
  }
  if (status !== 200 && status !== 206) return refuse(`answers ${status}.`);
  if ((headers['content-encoding'] ?? 'identity') !== 'identity') {
    return refuse(
      `sends it with Content-Encoding ${headers['content-encoding'] ?? ''}, though we asked for it as it is.`,
    );
  }
  const offset = status === 206 ? rangeStart(headers['content-range']) : 0;
  if (offset === undefined || (status === 206 && offset !== request.offset)) {
    return refuse(`sends another range (${headers['content-range'] ?? 'none'}) than we asked for.`);
  }
  return { ok: true, stream: answer, offset, ...saidOf(answer, offset) };
}

function saidOf({ headers }: IncomingMessage, offset: number): { length?: number; validator?: string } {
  const validator = headers.etag?.startsWith('"') ? headers.etag : headers['last-modified'];
  const length = headers['content-length'];
  return {
    ...(length === undefined ? {} : { length: Number(length) + offset }),
    ...(validator === undefined ? {} : { validator }),
  };
}

function rangeStart(range: string | undefined): number | undefined {
  const start = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(range ?? '')?.[1];
  return start === undefined ? undefined : Number(start);
}

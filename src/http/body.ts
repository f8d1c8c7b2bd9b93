import type { IncomingMessage } from 'node:http';
import { parseJson } from './json.ts';
import type { Problem } from './problem.ts';

const defaultLimit = 1024 * 1024;

interface Refusal {
  readonly ok: false;
  readonly problem: Problem;
}

/** `value` is undefined where the client sent no body, or one that says nothing. */
export type BodyResult = { readonly ok: true; readonly value: unknown } | Refusal;

/** Reads a whole body of at most `limit` bytes (default 1 MiB), as it is. Rejects if the client goes away. */
export async function readRawBody(
  request: IncomingMessage,
  limit = defaultLimit,
): Promise<{ readonly ok: true; readonly bytes: Buffer } | Refusal> {
  if (request.headers['content-encoding'] !== undefined && request.headers['content-encoding'] !== 'identity') {
    return refuse(415, 'Send the body without Content-Encoding.');
  }
  const bytes = await readBytes(request, limit);
  return bytes === undefined ? refuse(413, `The body may have at most ${limit} bytes.`) : { ok: true, bytes };
}

/** Reads a whole text or JSON body of at most `limit` bytes (default 1 MiB). Rejects if the client goes away. */
export async function readBody(request: IncomingMessage, kind: 'json' | 'text', limit?: number): Promise<BodyResult> {
  const read = await readRawBody(request, limit);
  if (!read.ok) return read;
  if (read.bytes.length === 0) return { ok: true, value: undefined };
  const text = decodeUtf8(read.bytes);
  if (text === undefined) return refuse(400, 'The body is not UTF-8 text.');
  return kind === 'text' ? { ok: true, value: text } : readJson(request, text);
}

function readJson(request: IncomingMessage, text: string): BodyResult {
  const type = request.headers['content-type'] ?? 'application/json';
  if (!/^[\w.+-]+\/([\w.-]+\+)?json\b/i.test(type)) {
    return refuse(415, `Send JSON with 'Content-Type: application/json', not '${type}'.`);
  }
  if (text.trim() === '') return { ok: true, value: undefined };
  const json = parseJson(text);
  if (!json.ok) {
    const where = `line ${json.line}, column ${json.column}`;
    const problem = { status: 400, detail: `The body is not JSON: expected ${json.expected} at ${where}.` };
    return {
      ok: false,
      problem: { ...problem, errors: [{ field: 'body', expected: `${json.expected} at ${where}` }] },
    };
  }
  return { ok: true, value: saysNothing(request.method, json.value) ? undefined : json.value };
}

/** RackHD's generated clients write a missing body as `null`, and send `[]` with DELETE. */
function saysNothing(method: string | undefined, value: unknown): boolean {
  if (value === null) return true;
  return (method === 'GET' || method === 'DELETE') && Array.isArray(value) && value.length === 0;
}

/** The body's bytes, or undefined if there are more than `limit`; what is over is left for the server to discard. */
async function readBytes(request: IncomingMessage, limit: number): Promise<Buffer | undefined> {
  if (Number(request.headers['content-length'] ?? 0) > limit) return undefined;
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > limit) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, length);
}

function decodeUtf8(bytes: Buffer): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

function refuse(status: number, detail: string): Refusal {
  return { ok: false, problem: { status, detail } };
}

import { request, type Agent, type IncomingMessage } from 'node:http';
import type { Ipv4 } from '../../net/address.ts';

export interface HttpAnswer {
  readonly status: number;
  /** Empty for bodies of more than 4 MiB: ramdisks are fetched whole and then forgotten, or a rack fills the memory. */
  readonly body: Buffer;
}

const keptBytes = 4 * 1024 * 1024;

export interface HttpRequest {
  readonly url: string;
  /** The node's own address. */
  readonly from: Ipv4;
  readonly method?: 'GET' | 'POST';
  readonly bearer?: string | undefined;
  readonly json?: unknown;
  readonly signal: AbortSignal;
  readonly agent?: Agent;
}

/** One HTTP request from a node's address. Rejects where no answer came. */
export function fetchFrom({
  url,
  from,
  method = 'GET',
  bearer,
  json,
  signal,
  agent,
}: HttpRequest): Promise<HttpAnswer> {
  const body = json === undefined ? undefined : JSON.stringify(json);
  const headers = {
    ...(bearer === undefined ? {} : { authorization: `Bearer ${bearer}` }),
    ...(body === undefined ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }),
  };
  return new Promise((resolve, reject) => {
    const outgoing = request(
      url,
      { method, localAddress: from, headers, signal, ...(agent ? { agent } : {}) },
      (response) => {
        readBody(response).then((bytes) => {
          resolve({ status: response.statusCode ?? 0, body: bytes });
        }, reject);
      },
    );
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

async function readBody(response: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size <= keptBytes) chunks.push(chunk);
    else chunks.length = 0;
  }
  return Buffer.concat(chunks);
}

import { request, type Agent } from 'node:http';
import { buffer } from 'node:stream/consumers';
import type { Ipv4 } from '../../net/address.ts';

export interface HttpAnswer {
  readonly status: number;
  readonly body: Buffer;
}

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
        buffer(response).then((bytes) => {
          resolve({ status: response.statusCode ?? 0, body: bytes });
        }, reject);
      },
    );
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

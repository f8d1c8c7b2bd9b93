import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import type { FormatProblem, Problem } from './problem.ts';
import type { RouteResponse } from './route.ts';

/** Content type of what is answered as `json`; for handlers that have the text already. */
export const jsonType = 'application/json; charset=utf-8';

/** Writes what a handler answered. Node leaves the body out of an answer to HEAD by itself. */
export async function respond(
  answer: RouteResponse,
  request: IncomingMessage,
  response: ServerResponse,
  format: FormatProblem,
): Promise<void> {
  if ('raw' in answer) {
    const instead = await answer.raw(request, response);
    if (instead !== undefined) await respond(instead, request, response, format);
  } else if ('problem' in answer) {
    respondProblem(answer.problem, request, response, format);
  } else if ('json' in answer) {
    write(response, answer.status, JSON.stringify(answer.json), {
      'content-type': jsonType,
      ...answer.headers,
    });
  } else if ('text' in answer) {
    write(response, answer.status, answer.text, { 'content-type': answer.type, ...answer.headers });
  } else if ('bytes' in answer) {
    write(response, answer.status, answer.bytes, { 'content-type': answer.type, ...answer.headers });
  } else {
    response.writeHead(answer.status, { ...answer.headers });
    response.end();
  }
}

/** Writes a problem in the API's form. An answer already begun can only be broken off, so that it is not taken for whole. */
export function respondProblem(
  problem: Problem,
  request: IncomingMessage,
  response: ServerResponse,
  format: FormatProblem,
): void {
  if (response.headersSent) {
    if (!response.writableEnded) response.destroy();
    return;
  }
  const { type, json } = format(problem, request);
  write(response, problem.status, JSON.stringify(json), { 'content-type': type, ...problem.headers });
}

function write(
  response: ServerResponse,
  status: number,
  body: string | Uint8Array,
  headers: OutgoingHttpHeaders,
): void {
  response.writeHead(status, { 'content-length': Buffer.byteLength(body), ...headers });
  response.end(body);
}

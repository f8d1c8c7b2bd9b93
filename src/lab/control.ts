import { chmodSync } from 'node:fs';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import { once } from 'node:events';
import { describeError } from '../errors.ts';

/** One operation: what it is handed is the request's body, what it gives is sent. */
export interface ControlAnswer {
  readonly status: number;
  readonly text: string;
}

export interface ControlRoute {
  readonly method: 'GET' | 'POST';
  /** Matched against the whole path; groups are handed over. */
  readonly path: RegExp;
  readonly handle: (input: {
    readonly groups: readonly string[];
    readonly body: string;
  }) => Promise<ControlAnswer> | ControlAnswer;
}

/** A path whose answer goes on: lines of JSON until the client leaves. */
export interface ControlStream {
  readonly path: string;
  /** Starts to write; gives the end of it. */
  readonly open: (write: (line: string) => void) => () => void;
}

export interface Control {
  readonly close: () => Promise<void>;
}

/** Bodies are command lines. */
const bodyLimit = 4096;

/** Milliseconds that clients get to take the last of a stream. */
const closeGraceMs = 200;

/**
 * The lab's owner listens on a unix socket that only its user may open; HTTP, so that the chassis script can use curl.
 */
export async function createControl(
  socket: string,
  routes: readonly ControlRoute[],
  streams: readonly ControlStream[],
): Promise<Control> {
  const flowing = new Set<ServerResponse>();
  const server = createServer((request, response) => {
    const stream = request.method === 'GET' ? streams.find(({ path }) => path === request.url) : undefined;
    if (stream !== undefined) {
      flowing.add(response);
      response.once('close', () => flowing.delete(response));
      flow(response, stream);
      return;
    }
    answer(request, response, routes).catch((error: unknown) => {
      if (!response.headersSent) response.writeHead(500);
      response.end(`${describeError(error)}\n`);
    });
  });
  server.listen(socket);
  await once(server, 'listening');
  chmodSync(socket, 0o600);
  return {
    close: async () => {
      // Ended, not cut: the last line says why the lab went.
      for (const response of flowing) response.end();
      await close(server);
    },
  };
}

async function close(server: Server): Promise<void> {
  const closed = once(server, 'close');
  server.close();
  setTimeout(() => {
    server.closeAllConnections();
  }, closeGraceMs).unref();
  await closed;
}

function flow(response: ServerResponse, stream: ControlStream): void {
  response.writeHead(200, { 'content-type': 'application/x-ndjson' });
  const end = stream.open((line) => {
    response.write(`${line}\n`);
  });
  response.once('close', end);
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  routes: readonly ControlRoute[],
): Promise<void> {
  const path = request.url ?? '/';
  for (const route of routes) {
    const match = route.method === request.method ? route.path.exec(path) : null;
    if (match === null) continue;
    const body = await readBody(request);
    const { status, text } = await route.handle({ groups: match.slice(1), body });
    response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8' }).end(text);
    return;
  }
  response.writeHead(404).end(`nothing at ${path}\n`);
}

async function readBody(request: IncomingMessage): Promise<string> {
  let body = '';
  request.setEncoding('utf8');
  for await (const piece of request) {
    body += piece as string;
    if (body.length > bodyLimit) throw new Error(`a body of more than ${bodyLimit} bytes`);
  }
  return body;
}

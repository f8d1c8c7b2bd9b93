import { request } from 'node:http';
import { RackwrightError } from '../errors.ts';
import { lineSplitter } from './qmp.ts';

export interface SocketAnswer {
  readonly status: number;
  readonly text: string;
}

/** No connection is kept for later: a client that is done must be able to end. */
const plain = { agent: false, headers: { host: 'localhost' } } as const;

/** One HTTP exchange over a unix socket. Throws code `unreachable` or `deadline`. */
export async function askSocket(
  socketPath: string,
  call: { readonly method: 'GET' | 'POST'; readonly path: string; readonly deadlineMs: number },
): Promise<SocketAnswer> {
  const { method, path, deadlineMs } = call;
  return await new Promise((resolve, reject) => {
    const signal = AbortSignal.timeout(deadlineMs);
    const fail = (cause: unknown): void => {
      const code = signal.aborted ? 'deadline' : 'unreachable';
      reject(new RackwrightError(code, `${method} ${path} on ${socketPath}`, { cause, retryable: true }));
    };
    const outgoing = request({ method, path, socketPath, signal, ...plain }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (piece: string) => {
        text += piece;
      });
      response.on('end', () => {
        resolve({ status: response.statusCode ?? 0, text });
      });
      response.on('error', fail);
    });
    outgoing.on('error', fail);
    outgoing.end();
  });
}

/** Follows a stream over a unix socket, line by line, until it ends or the signal says so. */
export async function followSocket(
  call: { readonly socketPath: string; readonly path: string; readonly signal: AbortSignal },
  onLine: (line: string) => void,
): Promise<void> {
  const { socketPath, path, signal } = call;
  await new Promise<void>((resolve, reject) => {
    const end = (error: unknown): void => {
      if (signal.aborted) resolve();
      else reject(new RackwrightError('unreachable', `GET ${path} on ${socketPath}`, { cause: error }));
    };
    const outgoing = request({ socketPath, path, signal, ...plain }, (response) => {
      const split = lineSplitter(onLine);
      response.setEncoding('utf8');
      response.on('data', split);
      response.on('end', resolve);
      response.on('error', end);
    });
    outgoing.on('error', end);
    outgoing.end();
  });
}

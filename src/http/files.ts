import type { IncomingMessage, ServerResponse } from 'node:http';
import send from 'send';
import { findInRoot } from '../net/strict-root.ts';
import type { FileInRoot } from '../net/strict-root.ts';
import type { Log } from '../log.ts';
import type { FileSenders } from './file-senders.ts';

/** How the sending of a file ended. */
export type FileOutcome =
  | {
      readonly kind: 'answered';
      /** 200, 206 (a range), 304, 416 ... */
      readonly status: number;
      /** Bytes of the body handed to the connection. */
      readonly bytes: number;
      /** Whether the client got all that it asked for; false if it went away or asked for a range that is not there. */
      readonly complete: boolean;
    }
  /** The proxy in front was told which file to send: how that ends, and what ranges were asked for, only it knows. */
  | { readonly kind: 'handed-over' }
  /** Nothing was answered yet: there is no such file, or not for this client. */
  | Exclude<FileInRoot, { kind: 'file' }>;

/** Whether something was answered; else the caller answers. */
export function isAnswered({ kind }: FileOutcome): boolean {
  return kind === 'answered' || kind === 'handed-over';
}

export interface SendFileOptions {
  /** The folder that `name` is under, and must not leave. */
  readonly root: string;
  /** Content type, where the name's extension does not tell it. */
  readonly type?: string;
}

/**
 * Answers GET or HEAD with a file of any size: ranges (RFC 9110 section 14), ETag and Last-Modified with their conditions.
 * `name` is decoded, relative to the root. Resolves when the last byte has left or the client has gone.
 */
export type SendFile = (
  request: IncomingMessage,
  response: ServerResponse,
  name: string,
  options: SendFileOptions,
) => Promise<FileOutcome>;

export interface SendFileDeps {
  /** Send what is large. Without them, or while none is there, this process sends itself. */
  readonly senders?: Pick<FileSenders, 'take'>;
  /** From how many bytes on senders are asked. Default 1 MiB: below it, handing over costs about what sending costs. */
  readonly largeBytes?: number;
  /** Whether requests come through a proxy that sends files in our place (`proxyLocation`). */
  readonly proxied?: boolean;
  readonly log: Log;
}

/** Where the proxy in front has the file system, for us alone: nginx's `X-Accel-Redirect`. See docs/how-to/nginx.md. */
const proxyLocation = '/_rackwright';

/** Makes the one way in which files are answered. */
export function createSendFile({ senders, largeBytes = 1 << 20, proxied = false, log }: SendFileDeps): SendFile {
  return async (request, response, name, { root, type }) => {
    const file = await findInRoot(root, name);
    if (file.kind !== 'file') return file;
    if (response.destroyed) return { kind: 'answered', status: 200, bytes: 0, complete: false };
    if (type !== undefined) response.setHeader('content-type', type);
    if (proxied) {
      const location = proxyLocation + file.path.split('/').map(encodeURIComponent).join('/');
      response.writeHead(200, { 'x-accel-redirect': location }).end();
      return { kind: 'handed-over' };
    }
    return answer({ request, response, path: file.path, senders, largeBytes, log });
  };
}

type Sent = Pick<FileOutcome & { kind: 'answered' }, 'bytes' | 'complete'>;

interface Answer {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly path: string;
  readonly senders: SendFileDeps['senders'];
  readonly largeBytes: number;
  readonly log: Log;
}

function answer(parts: Answer): Promise<FileOutcome> {
  const { request, response, path } = parts;
  return new Promise((resolve) => {
    let elsewhere: Promise<Sent> | undefined;
    let [bytes, wanted] = [0, 0];
    response.once('close', () => {
      const status = response.statusCode;
      const here = {
        bytes: bytes - response.writableLength,
        complete: response.writableFinished && bytes === wanted && status < 400,
      };
      void Promise.resolve(elsewhere ?? here).then((sent) => {
        resolve({ kind: 'answered', status, ...sent });
      });
    });
    // `send` decodes the path once more.
    const sending = send(request, encodeURIComponent(path), { dotfiles: 'allow', cacheControl: false, index: false });
    const readHere = sending.stream.bind(sending);
    // `send` calls this for the body, when it has decided what to send and has set the head.
    sending.stream = (_path: string, range: { start: number }) => {
      elsewhere = sendElsewhere(parts, range.start);
      if (elsewhere === undefined) readHere(path, range);
    };
    sending
      .on('stream', (source: NodeJS.ReadableStream) => {
        wanted = Number(response.getHeader('content-length'));
        source.on('data', (chunk: Buffer) => (bytes += chunk.length));
        // The file was cut since the head was sent: the client must see that this is not the end.
        source.once('end', () => {
          if (bytes < wanted) response.destroy();
        });
      })
      .on('error', (error: Error & { status?: number; headers?: Record<string, string> }) => {
        if (response.headersSent) response.destroy();
        else response.writeHead(error.status ?? 500, { 'content-length': 0, ...error.headers }).end();
      })
      .pipe(response);
  });
}

/** The bytes that a sender sends, and the end of the response after them; undefined where this process has to send. */
function sendElsewhere({ response, path, senders, largeBytes, log }: Answer, start: number): Promise<Sent> | undefined {
  const wanted = Number(response.getHeader('content-length'));
  if (wanted < largeBytes) return undefined;
  return senders?.take(response, { path, start, end: start + wanted })?.then(({ bytes, error }) => {
    if (bytes === wanted) response.end();
    else response.destroy();
    if (error !== undefined) {
      log.error({ event: 'http.file-broken', path, bytes, error }, `the sending of ${path} broke off: ${error}`);
    }
    return { bytes, complete: bytes === wanted };
  });
}

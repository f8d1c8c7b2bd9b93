import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import type { RouteResponse } from '../http/route.ts';
import { problem } from './routes/answers.ts';

/** How a file is sent whole; said wherever one came otherwise. */
export const uploadHint = "Send the file as it is: curl --upload-file FILE 'http://.../images/NAME'.";

/**
 * Why a request cannot carry a file, told by its head: clients that send forms change what they send (`curl -d @file`
 * drops line ends and zero bytes), and without a length or checksum nobody would see that the end is missing.
 */
export function refuseBody(headers: IncomingHttpHeaders, sha256: string | undefined): RouteResponse | undefined {
  const type = headers['content-type'] ?? '';
  if (/^multipart\//i.test(type))
    return problem(415, `A form (curl -F) wraps the file into something else. ${uploadHint}`);
  if (/^application\/x-www-form-urlencoded/i.test(type) && sha256 === undefined) {
    const why =
      'It comes as a form: curl -d @file drops line ends and zero bytes, and --data-binary says the same type.';
    return problem(415, `${why} ${uploadHint} Or add sha256=, so that it can be checked.`);
  }
  if ((headers['content-encoding'] ?? 'identity') !== 'identity') {
    return problem(415, `Send it without Content-Encoding: what is packed is kept packed. ${uploadHint}`);
  }
  if (headers['content-length'] === '0' || isWithoutBody(headers)) return problem(400, `No file came. ${uploadHint}`);
  if (headers['content-length'] === undefined && sha256 === undefined) {
    const why = 'It says neither how long it is (Content-Length) nor its checksum (sha256=): one of them is needed.';
    return problem(411, `${why} ${uploadHint}`);
  }
  return undefined;
}

function isWithoutBody(headers: IncomingHttpHeaders): boolean {
  return headers['content-length'] === undefined && headers['transfer-encoding'] === undefined;
}

/** Content-Length; undefined where the body comes in chunks. */
export function bodyLength(headers: IncomingHttpHeaders): number | undefined {
  return headers['content-length'] === undefined ? undefined : Number(headers['content-length']);
}

/**
 * The chunks of a body. When the last has come the connection may be silent as long as we need: an image is looked
 * through then, which takes minutes. Breaks off where `signal` says so.
 */
export async function* bodyChunks(stream: IncomingMessage, signal: AbortSignal): AsyncGenerator<Buffer, void> {
  const stop = (): void => {
    stream.destroy();
  };
  signal.addEventListener('abort', stop, { once: true });
  try {
    yield* stream.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>;
    stream.socket.setTimeout(0);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

/** So long a client that was refused may go on sending; curl and browsers stop by themselves when they read the answer. */
const lingerMs = 5_000;

/**
 * Lets go of a body that is not wanted. Cutting the connection at once would often take the answer away from the
 * client, and reading on without end would cost what the refusal was to save.
 */
export function dismissBody(stream: IncomingMessage): void {
  if (stream.complete || stream.destroyed) return;
  const { socket } = stream;
  setTimeout(() => {
    if (!stream.complete) socket.destroy();
  }, lingerMs).unref();
}

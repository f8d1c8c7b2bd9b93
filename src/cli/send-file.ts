import { createReadStream } from 'node:fs';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { pipeline } from 'node:stream/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { describeError, RackwrightError } from '../errors.ts';
import type { Client } from './client.ts';

export interface SendJob {
  readonly client: Client;
  /** Path of the upload at the server (tus 1.0.0). */
  readonly place: string;
  readonly file: string;
  readonly bytes: number;
  /** Aborted when nothing more is to be sent. */
  readonly signal: AbortSignal;
  /** Between two tries, in milliseconds. */
  readonly retryMs?: number;
}

/** So many tries in a row may bring nothing; with the pauses about two minutes. */
const maxTries = 12;

/**
 * Sends a file to where it belongs, again from where the server has it whenever the connection breaks. Resolves when all
 * was sent or refused, which the upload itself tells; throws when it cannot be sent.
 */
export async function sendFile(job: SendJob): Promise<void> {
  let [tries, reached] = [0, -1];
  for (;;) {
    const offset = await offsetOf(job);
    if (offset === job.bytes) return;
    const answer = offset === undefined ? 'no answer' : await sendFrom(job, offset);
    if (job.signal.aborted || answer === 'done') return;
    tries = offset !== undefined && offset > reached ? 0 : tries + 1;
    reached = Math.max(reached, offset ?? -1);
    if (tries >= maxTries) throw new RackwrightError('unreachable', `the file could not be sent: ${answer}`);
    await delay((job.retryMs ?? 1000) * Math.min(tries + 1, 15), undefined, { signal: job.signal }).catch(
      () => undefined,
    );
  }
}

/** Undefined where the server does not answer now. */
async function offsetOf({ client, place }: SendJob): Promise<number | undefined> {
  try {
    const head = await client.send('HEAD', place);
    return Number(head.headers.get('upload-offset'));
  } catch (error) {
    if (error instanceof RackwrightError && ['unreachable', 'timeout'].includes(error.code)) return undefined;
    throw error;
  }
}

/** Sends all from there; answers `done`, or why another try is needed. */
async function sendFrom(job: SendJob, offset: number): Promise<string> {
  try {
    const answer = await patch(job, offset);
    answer.resume();
    const status = answer.statusCode ?? 0;
    // 423: the server has not seen yet that the last connection is gone. Other refusals are told by the upload.
    return status === 423 || status === 409 || status === 503 ? `the server answered ${status}` : 'done';
  } catch (error) {
    return describeError(error);
  }
}

async function patch({ client, place, file, bytes, signal }: SendJob, offset: number): Promise<IncomingMessage> {
  const url = new URL(client.url + place);
  const headers = {
    'tus-resumable': '1.0.0',
    'upload-offset': offset,
    'content-type': 'application/offset+octet-stream',
    'content-length': bytes - offset,
  };
  const request = (url.protocol === 'https:' ? httpsRequest : httpRequest)(url, { method: 'PATCH', headers, signal });
  const answered = new Promise<IncomingMessage>((resolve, reject) => {
    request.once('response', resolve);
    request.once('error', reject);
  });
  const source = createReadStream(file, { start: offset, end: bytes - 1, highWaterMark: 1 << 18 });
  // An answer that comes before the end of the file breaks the pipe; it is the answer that counts.
  const sent = pipeline(source, request).catch(() => answered);
  await Promise.race([answered, sent]);
  return answered;
}

import { setTimeout as delay } from 'node:timers/promises';
import { describeError } from '../errors.ts';
import type { Log } from '../log.ts';
import type { Finisher } from './finish.ts';
import { refused, type Refused } from './refusal.ts';
import { openSource, shown, type Source } from './source.ts';
import type { Uploads } from './uploads.ts';

/** Fetches uploads of the way `url`, each until it is an image or has failed. */
export interface Fetcher {
  start(id: string): void;
  cancel(id: string): Promise<void>;
  /** Resolves when none is being fetched. */
  idle(): Promise<void>;
}

export interface FetcherDeps {
  readonly uploads: Uploads;
  readonly finish: Finisher;
  readonly log: Log;
  /** Aborted when the server stops: what is not whole is left to be continued by the next. */
  readonly signal: AbortSignal;
  /** Between two tries, in milliseconds. */
  readonly retryMs?: number;
}

/** So many tries in a row may bring no byte. */
const maxTries = 6;

export function createFetcher(deps: FetcherDeps): Fetcher {
  const running = new Map<string, { readonly ended: Promise<void>; readonly stop: AbortController }>();
  return {
    start(id) {
      if (running.has(id)) return;
      const stop = new AbortController();
      const ended = run(deps, id, AbortSignal.any([deps.signal, stop.signal])).finally(() => running.delete(id));
      running.set(id, { ended, stop });
    },
    async cancel(id) {
      const current = running.get(id);
      current?.stop.abort();
      await current?.ended;
    },
    async idle() {
      await Promise.all([...running.values()].map(({ ended }) => ended));
    },
  };
}

async function run(deps: FetcherDeps, id: string, signal: AbortSignal): Promise<void> {
  const { uploads, log } = deps;
  try {
    const fetched = await fetchAll(deps, id, signal);
    if (signal.aborted) return;
    if (fetched.ok) await deps.finish(id);
    else await uploads.fail(id, fetched.refusal);
  } catch (error) {
    if (signal.aborted) return;
    log.error({ event: 'images.failed', err: error }, `an image could not be fetched: ${describeError(error)}`);
    await uploads
      .fail(id, { reason: 'fault', message: `The server failed: ${describeError(error)}.` })
      .catch(() => undefined);
  }
}

async function fetchAll(
  { uploads, retryMs = 1000 }: FetcherDeps,
  id: string,
  signal: AbortSignal,
): Promise<{ readonly ok: true } | Refused> {
  let [tries, reached, why] = [0, -1, ''];
  while (!signal.aborted) {
    const { record, offset } = uploads.get(id) ?? {};
    if (record?.url === undefined || offset === undefined) break;
    tries = offset > reached ? 0 : tries + 1;
    reached = Math.max(reached, offset);
    if (tries >= maxTries) return refused('source', `${shown(record.url)} cannot be fetched: ${why}.`);
    if (tries > 0) await delay(retryMs * 2 ** (tries - 1), undefined, { signal });
    const { url, validator } = record;
    const source = await openSource({ url, offset, signal, ...(validator === undefined ? {} : { validator }) });
    const part = source.ok ? await take(uploads, id, source) : source;
    if ('again' in part) why = part.again;
    else return part;
  }
  return refused('fault', 'It was stopped.');
}

/** Appends what a source gives. */
async function take(
  uploads: Uploads,
  id: string,
  { stream, offset, length, validator }: Extract<Source, { ok: true }>,
): Promise<{ readonly ok: true } | { readonly ok: false; readonly again: string } | Refused> {
  try {
    const sha256 = uploads.get(id)?.record.metadata.sha256;
    if (length === undefined && sha256 === undefined && stream.headers['transfer-encoding'] === undefined) {
      return refused('source', 'The server there does not say how long the file is: give its sha256.');
    }
    const begun = await uploads.restart(id, { offset, length, validator });
    if (!begun.ok) return begun;
    const appended = await uploads.append(id, offset, stream);
    if (!appended.ok) {
      return 'refusal' in appended ? appended : refused('fault', `The upload was changed: ${appended.conflict}.`);
    }
    const whole = appended.end === 'whole' && (length === undefined || appended.offset === length);
    return whole ? { ok: true } : { ok: false, again: `the connection ended after ${appended.offset} bytes` };
  } finally {
    stream.destroy();
  }
}

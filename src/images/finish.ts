import { describeError } from '../errors.ts';
import type { Log } from '../log.ts';
import type { Image } from '../model/image.ts';
import type { Catalogue } from './catalogue.ts';
import type { ImageFiles } from './files.ts';
import type { Inspector } from './inspector.ts';
import { refused, type Refused } from './refusal.ts';
import type { UploadRecord } from './upload.ts';
import type { Uploads } from './uploads.ts';

export interface FinisherDeps {
  readonly uploads: Uploads;
  readonly files: ImageFiles;
  readonly catalogue: Catalogue;
  readonly inspector: Inspector;
  readonly log: Log;
  /** Aborted when the server stops: what is not finished is left as it is, to be finished by the next. */
  readonly signal: AbortSignal;
}

type Finished = { readonly ok: true; readonly image: Image } | Refused;

/** Makes an image of an upload whose bytes are all there. */
export interface Finisher {
  /** The same upload is finished once, however often it is asked for. Does not reject. */
  (id: string): Promise<Finished>;
  cancel(id: string): Promise<void>;
  /** Resolves when none is being finished. */
  idle(): Promise<void>;
}

export function createFinisher(deps: FinisherDeps): Finisher {
  const running = new Map<string, { readonly finished: Promise<Finished>; readonly stop: AbortController }>();

  const finish = (id: string): Promise<Finished> => {
    const current = running.get(id);
    if (current !== undefined) return current.finished;
    const stop = new AbortController();
    const finished = run(deps, id, AbortSignal.any([deps.signal, stop.signal])).finally(() => running.delete(id));
    running.set(id, { finished, stop });
    return finished;
  };

  return Object.assign(finish, {
    async cancel(id: string) {
      const current = running.get(id);
      current?.stop.abort();
      await current?.finished;
    },
    async idle() {
      await Promise.all([...running.values()].map(({ finished }) => finished));
    },
  });
}

async function run(deps: FinisherDeps, id: string, signal: AbortSignal): Promise<Finished> {
  const { uploads, files, log } = deps;
  const record = uploads.get(id)?.record;
  if (record === undefined) return refused('fault', 'The upload is gone.');
  try {
    const finished = await inspectAndPublish(deps, record, signal);
    if (finished.ok) {
      await files.removePart(id);
      await uploads.change(id, { state: 'done', imageId: finished.image.id });
      const { name, sha256 } = finished.image;
      log.info({ event: 'images.added', image: name, sha256 }, `image ${name} was added`);
    } else {
      await uploads.fail(id, finished.refusal);
      log.info({ event: 'images.refused', image: record.metadata.name }, finished.refusal.message);
    }
    return finished;
  } catch (error) {
    if (signal.aborted)
      return refused('fault', 'The server stopped, or the upload was removed, before it was an image.');
    log.error({ event: 'images.failed', image: record.metadata.name, err: error }, describeError(error));
    const fault = refused('fault', `The server failed: ${describeError(error)}.`);
    await uploads.fail(id, fault.refusal).catch(() => undefined);
    return fault;
  }
}

async function inspectAndPublish(
  { uploads, files, catalogue, inspector }: FinisherDeps,
  { id, metadata, sha256: begun }: UploadRecord,
  signal: AbortSignal,
): Promise<Finished> {
  await uploads.change(id, { state: 'inspecting' });
  const directory = await files.workDirectory(id);
  const { sha256, bootModes } = metadata;
  const job = { path: files.partPath(id), directory, ...(sha256 && { sha256 }), ...(bootModes && { bootModes }) };
  const inspection = await inspector(job, signal, (progress) => {
    uploads.inspected(id, progress);
  });
  if (!inspection.ok) return inspection;
  const { image } = inspection;
  // Whoever comes after a crash must know which blob may have been named by then.
  await uploads.change(id, { sha256: image.sha256 });
  return catalogue.publish(metadata, image, begun === image.sha256);
}

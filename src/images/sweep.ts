import type { Catalogue } from './catalogue.ts';
import type { ImageFiles } from './files.ts';
import type { Uploads } from './uploads.ts';

/** So long nobody asked for or added anything. */
const forgottenMs = 24 * 3600 * 1000;

/**
 * Removes what nobody can continue; answers the ids of the uploads that the server goes on with by itself: all their
 * bytes are there, or it fetches them.
 */
export async function recoverUploads({
  uploads,
  catalogue,
}: {
  readonly uploads: Uploads;
  readonly catalogue: Catalogue;
}): Promise<string[]> {
  const goOn: string[] = [];
  for (const { record, offset } of uploads.list()) {
    if (record.state === 'done' || record.state === 'failed') continue;
    if (record.way === 'request') {
      await uploads.remove(record.id);
      if (record.sha256 !== undefined) await catalogue.dropBlob(record.sha256);
    } else if (record.state === 'inspecting' || record.way === 'url' || offset === record.length) {
      goOn.push(record.id);
    }
  }
  return goOn;
}

/** Removes uploads that nobody went on with for a day, and what is known of those that ended. */
export async function sweepUploads({
  uploads,
  files,
  now,
}: {
  readonly uploads: Uploads;
  readonly files: ImageFiles;
  readonly now: () => Date;
}): Promise<void> {
  for (const { record } of uploads.list()) {
    if (record.state === 'inspecting') continue;
    const last = (await files.part(record.id))?.at ?? new Date(record.createdAt);
    if (now().getTime() - last.getTime() > forgottenMs) await uploads.remove(record.id);
  }
}

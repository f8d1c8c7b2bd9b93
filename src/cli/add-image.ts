import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { InputError, RackwrightError } from '../errors.ts';
import type { Client } from './client.ts';
import type { Progress } from './progress.ts';
import { sendFile } from './send-file.ts';

/** What the user says of the image, as the API takes it. */
export interface ImageWords {
  readonly name: string;
  readonly os?: string;
  readonly sha256?: string;
  readonly cloudInit: boolean;
  readonly bootModes?: readonly string[];
}

const uploadSchema = z.object({
  id: z.string(),
  name: z.string(),
  way: z.string(),
  state: z.enum(['receiving', 'inspecting', 'done', 'failed']),
  offset: z.number(),
  length: z.number().optional(),
  sha256: z.string().optional(),
  inspection: z.object({ step: z.string(), bytes: z.number() }).optional(),
  image: z.string().optional(),
  error: z.object({ message: z.string() }).optional(),
});
type Upload = z.infer<typeof uploadSchema>;

const pollMs = 300;
const pathOf = ({ id }: Upload): string => `/image-uploads/${id}`;

/** Has the server fetch an address; answers the image's id when it is there. */
export async function addUrl(client: Client, url: string, words: ImageWords, progress: Progress): Promise<string> {
  const upload = uploadSchema.parse(await client.post('/images', { url, ...words }));
  return follow({ client, progress, verb: 'fetching' }, upload);
}

/**
 * Sends a file; answers the image's id when it is there. Its checksum is taken first: the server compares, and an upload of
 * the same file that broke off earlier is found by it and continued.
 */
export async function addFile(client: Client, file: string, words: ImageWords, progress: Progress): Promise<string> {
  const bytes = await sizeOf(file);
  const sha256 = await hashFile(file, bytes, progress);
  if (words.sha256 !== undefined && words.sha256.toLowerCase() !== sha256) {
    throw new InputError('--sha256', `${file} has ${sha256}: it is damaged, or another file`);
  }
  const upload = (await findUpload(client, words.name, sha256)) ?? (await create(client, bytes, { ...words, sha256 }));
  const stop = new AbortController();
  const sent =
    upload.state === 'receiving'
      ? sendFile({ client, place: pathOf(upload), file, bytes, signal: stop.signal })
      : Promise.resolve();
  try {
    const followed = follow({ client, progress, verb: 'sending', signal: stop.signal }, upload);
    return await Promise.race([followed, sent.then(() => followed)]);
  } finally {
    stop.abort();
  }
}

async function sizeOf(file: string): Promise<number> {
  const found = await stat(file).catch((cause: unknown) => {
    throw new InputError('FILE', `${file} cannot be read`, { cause });
  });
  if (!found.isFile() || found.size === 0)
    throw new InputError('FILE', `expected a file with an image in it, got ${file}`);
  return found.size;
}

async function hashFile(file: string, total: number, progress: Progress): Promise<string> {
  const hash = createHash('sha256');
  let bytes = 0;
  let shown = 0;
  for await (const chunk of createReadStream(file, { highWaterMark: 1 << 20 }) as AsyncIterable<Buffer>) {
    hash.update(chunk);
    bytes += chunk.length;
    if (performance.now() - shown < pollMs) continue;
    shown = performance.now();
    progress.show('reading', bytes, total);
  }
  return hash.digest('hex');
}

async function findUpload(client: Client, name: string, sha256: string): Promise<Upload | undefined> {
  const uploads = z.array(uploadSchema).parse(await client.get('/image-uploads'));
  return uploads.find(
    (upload) =>
      upload.name === name &&
      upload.sha256 === sha256 &&
      upload.way === 'resumable' &&
      (upload.state === 'receiving' || upload.state === 'inspecting'),
  );
}

async function create(client: Client, bytes: number, { cloudInit, bootModes, ...words }: ImageWords): Promise<Upload> {
  const texts = { ...words, cloudInit: String(cloudInit), ...(bootModes && { bootModes: bootModes.join(',') }) };
  const metadata = Object.entries(texts).map(([key, text]) => `${key} ${Buffer.from(text).toString('base64')}`);
  const answer = await client.send('POST', '/image-uploads', {
    'tus-resumable': '1.0.0',
    'upload-length': String(bytes),
    'upload-metadata': metadata.join(','),
  });
  return uploadSchema.parse(await answer.json());
}

interface FollowJob {
  readonly client: Client;
  readonly progress: Progress;
  /** What is done while bytes come. */
  readonly verb: 'sending' | 'fetching';
  /** Aborted when nothing more will come. */
  readonly signal?: AbortSignal;
}

/** Shows how far an upload is until it is an image; throws the server's words if it becomes none. */
async function follow({ client, progress, verb, signal }: FollowJob, begun: Upload): Promise<string> {
  for (let upload = begun; signal?.aborted !== true;) {
    if (upload.state === 'done' && upload.image !== undefined) {
      progress.end();
      return upload.image;
    }
    if (upload.state === 'failed') {
      progress.end();
      throw new RackwrightError('refused', upload.error?.message ?? 'the image was refused');
    }
    if (upload.state === 'receiving') progress.show(verb, upload.offset, upload.length);
    else if (upload.inspection) {
      const { step, bytes } = upload.inspection;
      progress.show(step, bytes, step === 'checking' ? upload.length : undefined);
    }
    await delay(pollMs);
    upload = await poll(client, upload);
  }
  throw new RackwrightError('unreachable', 'the image was not sent');
}

/** A server that is being started again is waited for; whoever sends gives up in time. */
async function poll(client: Client, last: Upload): Promise<Upload> {
  try {
    return uploadSchema.parse(await client.get(pathOf(last)));
  } catch (error) {
    if (error instanceof RackwrightError && ['unreachable', 'timeout'].includes(error.code)) return last;
    throw error;
  }
}

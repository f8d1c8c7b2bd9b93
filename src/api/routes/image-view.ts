import { z } from 'zod';
import type { RouteResponse } from '../../http/route.ts';
import type { Images } from '../../images/images.ts';
import type { Refusal } from '../../images/refusal.ts';
import { shown } from '../../images/source.ts';
import { imageMetadataSchema } from '../../images/upload.ts';
import type { Upload } from '../../images/uploads.ts';
import type { Image } from '../../model/image.ts';
import { present, type Present } from '../present.ts';
import { problem } from './answers.ts';

/** Images and uploads as our API shows them, and what it says where one is refused. */

const at = z.iso.datetime().describe('ISO 8601, UTC');

export const imageSchema = z.object({
  id: z.string(),
  name: z.string(),
  os: z.string().optional(),
  state: z.enum(['ready', 'broken']).describe('broken: its file is missing, or has another length'),
  problem: z.string().optional().describe('why it is broken, and what to do'),
  sha256: z.string().describe('of the file that nodes are given'),
  sizeBytes: z.number().describe('of the file that nodes are given'),
  format: z.enum(['raw', 'raw.zst', 'raw.gz', 'raw.xz']),
  rawBytes: z.number().describe('on disk, unpacked'),
  rawSha256: z.string().optional().describe('of what is on disk in the end'),
  bootModes: z.array(z.enum(['bios', 'uefi'])).readonly(),
  cloudInit: z.boolean().describe('whether its system reads a cloud-init seed'),
  createdAt: at,
});
type ImageView = z.infer<typeof imageSchema>;

export const uploadSchema = z.object({
  id: z.string(),
  name: z.string().describe('of the image that it will be'),
  way: z.enum(['request', 'resumable', 'url']),
  url: z.string().optional(),
  state: z.enum(['receiving', 'inspecting', 'done', 'failed']),
  offset: z.number().describe('bytes that came'),
  length: z.number().optional().describe('bytes that it will have'),
  sha256: z.string().optional().describe('what was said of it'),
  inspection: z
    .object({ step: z.enum(['checking', 'unpacking', 'converting']), bytes: z.number() })
    .optional()
    .describe('how far it was looked through'),
  image: z.string().optional().describe('id of the image, once it is one'),
  error: z.object({ reason: z.string(), message: z.string() }).optional().describe('why it failed'),
  createdAt: at,
});
export type UploadView = z.infer<typeof uploadSchema>;

export async function imageView(images: Pick<Images, 'blobState'>, image: Image): Promise<Present<ImageView>> {
  const { id, name, os, sha256, sizeBytes, format, rawBytes, rawSha256, bootModes, cloudInit, createdAt } = image;
  const blob = await images.blobState(image);
  const view = { id, name, os, sha256, sizeBytes, format, rawBytes, rawSha256, bootModes, cloudInit, createdAt };
  return present({
    ...view,
    state: blob.ok ? ('ready' as const) : ('broken' as const),
    problem: blob.ok ? undefined : blob.why,
  });
}

export function uploadView({ record, offset, inspection }: Upload): Present<UploadView> {
  return present({
    id: record.id,
    name: record.metadata.name,
    way: record.way,
    url: record.url === undefined ? undefined : shown(record.url),
    state: record.state,
    offset: record.state === 'done' ? (record.length ?? offset) : offset,
    length: record.length,
    sha256: record.metadata.sha256,
    inspection: record.state === 'inspecting' ? inspection : undefined,
    image: record.imageId,
    error: record.refusal,
    createdAt: record.createdAt,
  });
}

/** What may be said of an image as parameters of the query, or as metadata of a tus upload: everything is text. */
export const metadataTexts = imageMetadataSchema.extend({
  cloudInit: z
    .enum(['true', 'false'], 'expected true or false')
    .default('true')
    .transform((text) => text === 'true'),
  bootModes: z
    .string()
    .transform((text) => text.split(','))
    .pipe(z.array(z.enum(['bios', 'uefi'], 'expected bios, uefi or bios,uefi')))
    .optional(),
});

const statuses: Readonly<Record<Refusal['reason'], number>> = {
  unfit: 422,
  damaged: 422,
  source: 422,
  'too-large': 413,
  'no-space': 507,
  'name-taken': 409,
  busy: 503,
  fault: 500,
};

/** `hint`: what else may have gone wrong with it on its way. */
export function refusalAnswer({ reason, message }: Refusal, hint?: string): RouteResponse {
  const mayHelp = hint !== undefined && (reason === 'damaged' || reason === 'unfit');
  return problem(statuses[reason], mayHelp ? `${message} ${hint}` : message);
}

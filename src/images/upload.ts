import { z } from 'zod';
import { imageNamePattern } from '../model/image.ts';
import { isId } from '../model/id.ts';

/** What somebody says of an image that they bring. */
export const imageMetadataSchema = z.strictObject({
  name: z
    .string('is needed: what the image is to be called')
    .regex(imageNamePattern, "expected up to 63 of a-z, 0-9, '.', '_' and '-', beginning with a letter or digit")
    .refine((name) => !isId(name), 'has the form of an id: choose another'),
  os: z.string().min(1).max(100, 'expected at most 100 characters').optional(),
  cloudInit: z.boolean().default(true),
  bootModes: z
    .array(z.enum(['bios', 'uefi']))
    .min(1)
    .max(2)
    .optional(),
  sha256: z
    .string()
    .toLowerCase()
    .regex(/^[0-9a-f]{64}$/, 'expected 64 hexadecimal digits')
    .optional(),
});
export type ImageMetadata = z.infer<typeof imageMetadataSchema>;

/** How the bytes come: in one request; in several that may be continued; or fetched by us. */
const ways = ['request', 'resumable', 'url'] as const;

const refusalSchema = z.object({
  reason: z.enum(['unfit', 'damaged', 'too-large', 'no-space', 'name-taken', 'busy', 'source', 'fault']),
  message: z.string(),
});

/** What is kept on disk beside the bytes of an upload, so that it survives the server's end. */
export const uploadRecordSchema = z.object({
  id: z.string(),
  createdAt: z.iso.datetime(),
  way: z.enum(ways),
  metadata: imageMetadataSchema,
  /** Bytes that it will have, where that is known. */
  length: z.int().min(0).optional(),
  url: z.string().optional(),
  /** The ETag or date of what the address gave: only the same is continued (RFC 9110 section 13.1.5). */
  validator: z.string().optional(),
  state: z.enum(['receiving', 'inspecting', 'done', 'failed']),
  /** Of the blob that it is about to become. */
  sha256: z.string().optional(),
  imageId: z.string().optional(),
  refusal: refusalSchema.optional(),
});
export type UploadRecord = z.infer<typeof uploadRecordSchema>;

import { z } from 'zod';
import { defineRoute, type Route, type RouteRequest, type RouteResponse } from '../../http/route.ts';
import type { Upload } from '../../images/uploads.ts';
import type { ApiDeps } from '../deps.ts';
import { bodyChunks, dismissBody } from '../upload-body.ts';
import { invalidAnswer, problem } from './answers.ts';
import { metadataTexts, refusalAnswer, uploadSchema, uploadView } from './image-view.ts';

/**
 * `/image-uploads`: uploads that go on where they broke off. The protocol is tus 1.0.0 (https://tus.io/protocols/resumable-upload):
 * its core with the extensions creation and termination.
 */
export function imageUploadsRoutes(deps: ApiDeps): Route[] {
  return [listUploads(deps), createUpload(deps), getUpload(deps), patchUpload(deps), deleteUpload(deps)];
}

const version = '1.0.0';
const tus = { 'tus-resumable': version };
const byUpload = z.object({ id: z.string().describe("the upload's id") });
type Headers = RouteRequest<unknown, unknown, unknown>['headers'];

function listUploads({ images }: ApiDeps): Route {
  return defineRoute({
    method: 'get',
    path: '/image-uploads',
    operationId: 'listImageUploads',
    summary: 'Uploads of images that are under way or ended within a day',
    tag: 'images',
    responses: { 200: z.array(uploadSchema) },
    handle: () => ({ status: 200, json: images.uploads().map(uploadView) }),
  });
}

function createUpload({ images }: ApiDeps): Route {
  return defineRoute({
    method: 'post',
    path: '/image-uploads',
    operationId: 'createImageUpload',
    summary: 'Begin a resumable upload (tus 1.0.0: Upload-Length, Upload-Metadata)',
    tag: 'images',
    responses: {
      201: uploadSchema,
      400: 'Length or metadata are not as they should be',
      409: 'There is an image of this name',
      412: 'Another version of tus',
      413: 'The image is too large',
      507: "The server's disk is full",
    },
    handle: async ({ headers }) => {
      const length = wholeNumber(headers['upload-length']);
      if (otherVersion(headers)) return versionAnswer();
      if (length === undefined || length === 0)
        return badHeader('Upload-Length', 'expected the length of the file in bytes');
      const texts = readMetadata(headers['upload-metadata']);
      if (texts === undefined)
        return badHeader('Upload-Metadata', 'expected keys with values in base64, joined by commas');
      const metadata = metadataTexts.safeParse(texts);
      if (!metadata.success) return invalidAnswer('Upload-Metadata', metadata.error);
      const begun = await images.begin({ way: 'resumable', metadata: metadata.data, length });
      if (!begun.ok) return withTus(refusalAnswer(begun.refusal));
      const location = `/image-uploads/${begun.upload.record.id}`;
      return { status: 201, json: uploadView(begun.upload), headers: { ...tus, location, 'upload-offset': '0' } };
    },
  });
}

function getUpload({ images }: ApiDeps): Route {
  return defineRoute({
    method: 'get',
    path: '/image-uploads/:id',
    operationId: 'getImageUpload',
    summary: 'How far an upload is; HEAD tells the Upload-Offset',
    tag: 'images',
    params: byUpload,
    responses: { 200: uploadSchema, 404: 'There is no such upload' },
    handle: ({ params: { id } }) => {
      const upload = images.upload(id);
      if (upload === undefined) return missing(id);
      return {
        status: 200,
        json: uploadView(upload),
        headers: { ...offsetHeaders(upload), 'cache-control': 'no-store' },
      };
    },
  });
}

function patchUpload({ images }: ApiDeps): Route {
  return defineRoute({
    method: 'patch',
    path: '/image-uploads/:id',
    operationId: 'appendImageUpload',
    summary: 'Send the next bytes (tus 1.0.0: Upload-Offset); the last ones are answered when the image is there',
    tag: 'images',
    params: byUpload,
    bodyKind: 'stream',
    responses: {
      204: 'They are kept; with all of them the image is there',
      400: 'No Upload-Offset',
      404: 'There is no such upload',
      409: 'Upload-Offset is not what HEAD says, or the upload has ended',
      412: 'Another version of tus',
      413: 'The image unpacks to too much',
      415: 'Content-Type is not application/offset+octet-stream',
      422: 'It is no whole disk image, or not the one that was announced',
      423: 'Another request is sending',
      507: "The server's disk is full; the upload is removed",
    },
    handle: async ({ params: { id }, headers, stream, signal }) => {
      const offset = wholeNumber(headers['upload-offset']);
      const answer = refuseHead(headers, offset) ?? (await images.append(id, offset ?? 0, bodyChunks(stream, signal)));
      if ('ok' in answer && answer.ok) {
        const upload = images.upload(id);
        const image = 'image' in answer ? { 'content-location': `/images/${answer.image.id}` } : undefined;
        return { status: 204, empty: true, headers: { ...(upload && offsetHeaders(upload)), ...image } };
      }
      dismissBody(stream);
      if (!('ok' in answer)) return answer;
      if ('refusal' in answer) return withTus(refusalAnswer(answer.refusal));
      return conflictAnswer(answer.conflict, id, images.upload(id));
    },
  });
}

function deleteUpload({ images }: ApiDeps): Route {
  return defineRoute({
    method: 'delete',
    path: '/image-uploads/:id',
    operationId: 'deleteImageUpload',
    summary: 'Give up an upload; an image that it became stays',
    tag: 'images',
    params: byUpload,
    responses: { 204: 'It is removed', 404: 'There is no such upload', 423: 'A request is sending' },
    handle: async ({ params: { id } }) => {
      const abandoned = await images.abandon(id);
      if (abandoned === 'removed') return { status: 204, empty: true, headers: tus };
      return abandoned === 'missing' ? missing(id) : conflictAnswer('locked', id, undefined);
    },
  });
}

function refuseHead(headers: Headers, offset: number | undefined): RouteResponse | undefined {
  if (otherVersion(headers)) return versionAnswer();
  if (headers['content-type'] !== 'application/offset+octet-stream') {
    return problem(415, "Send the bytes with 'Content-Type: application/offset+octet-stream'.", tus);
  }
  return offset === undefined ? badHeader('Upload-Offset', 'expected a number of bytes') : undefined;
}

function conflictAnswer(
  conflict: 'missing' | 'locked' | 'offset' | 'ended',
  id: string,
  upload: Upload | undefined,
): RouteResponse {
  switch (conflict) {
    case 'missing':
      return missing(id);
    case 'locked':
      return problem(423, 'Another request is sending this upload: wait until it ended.', {
        ...tus,
        'retry-after': '2',
      });
    case 'ended':
      return problem(409, upload?.record.refusal?.message ?? `The upload is ${upload?.record.state ?? 'gone'}.`, tus);
    case 'offset':
      return problem(409, `Go on at byte ${upload?.offset ?? 0}.`, upload && offsetHeaders(upload));
  }
}

function offsetHeaders(upload: Upload): Readonly<Record<string, string>> {
  const { offset, length } = uploadView(upload);
  return {
    ...tus,
    'upload-offset': String(offset),
    ...(length === undefined ? {} : { 'upload-length': String(length) }),
  };
}

const missing = (id: string): RouteResponse => problem(404, `There is no upload '${id}'.`, tus);

/** Without the header it is a plain client that follows docs/how-to/images.md. */
const otherVersion = (headers: Headers): boolean => (headers['tus-resumable'] ?? version) !== version;

const versionAnswer = (): RouteResponse =>
  problem(412, `This server speaks tus ${version}.`, { ...tus, 'tus-version': version });

function badHeader(field: string, expected: string): RouteResponse {
  return { problem: { status: 400, detail: `${field}: ${expected}`, errors: [{ field, expected }], headers: tus } };
}

function withTus(answer: RouteResponse): RouteResponse {
  return 'problem' in answer
    ? { problem: { ...answer.problem, headers: { ...answer.problem.headers, ...tus } } }
    : answer;
}

function wholeNumber(text: string | readonly string[] | undefined): number | undefined {
  return typeof text === 'string' && /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}

const known = new Set(Object.keys(metadataTexts.shape));

/** `key base64, key base64`; what clients say besides (the file's own name and type) is passed over. */
function readMetadata(header: string | readonly string[] | undefined): Record<string, string> | undefined {
  if (typeof header !== 'string') return header === undefined ? {} : undefined;
  const pairs = header.split(',').map((pair) => /^\s*([^\s,]+)(?: ([A-Za-z0-9+/]*={0,2}))?\s*$/.exec(pair));
  if (pairs.some((pair) => pair === null)) return undefined;
  const texts = pairs.map(
    (pair) => [pair?.[1] ?? '', Buffer.from(pair?.[2] ?? '', 'base64').toString('utf8')] as const,
  );
  return Object.fromEntries(texts.filter(([key]) => known.has(key)));
}

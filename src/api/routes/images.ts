import { z } from 'zod';
import { readBody } from '../../http/body.ts';
import { defineRoute, type Route, type RouteRequest, type RouteResponse } from '../../http/route.ts';
import type { IncomingMessage } from 'node:http';
import { imageMetadataSchema, type ImageMetadata } from '../../images/upload.ts';
import type { ApiDeps } from '../deps.ts';
import { present } from '../present.ts';
import { bodyChunks, bodyLength, dismissBody, refuseBody, uploadHint } from '../upload-body.ts';
import { invalidAnswer, problem } from './answers.ts';
import { imageSchema, imageView, metadataTexts, refusalAnswer, uploadSchema, uploadView } from './image-view.ts';
import { defaultLimit, pageSchema, paging } from './schemas.ts';

/** `/images`: disk images, whole ones only. */
export function imagesRoutes(deps: ApiDeps): Route[] {
  return [listImages(deps), getImage(deps), postImage(deps), putImage(deps), deleteImage(deps)];
}

const byImage = z.object({ id: z.string().describe("the image's id or name") });

const uploadAnswers = {
  201: imageSchema,
  400: 'A parameter is not as it should be, or no file came',
  409: 'There is an image of this name',
  411: 'Neither length nor checksum is given',
  413: 'The image is too large, or unpacks to too much',
  415: 'The body is a form, or encoded',
  422: 'It is no whole disk image, or not the one that was announced',
  507: "The server's disk is full",
};

function listImages({ store, images }: ApiDeps): Route {
  return defineRoute({
    method: 'get',
    path: '/images',
    operationId: 'listImages',
    summary: 'Disk images that nodes can be given',
    tag: 'images',
    query: z.strictObject({ ...paging, name: z.string().optional(), sha256: z.string().optional() }),
    responses: { 200: pageSchema(imageSchema) },
    handle: async ({ query: { limit = defaultLimit, cursor, name, sha256 } }) => {
      const page = await store.images.find({
        where: present({ name, sha256 }),
        limit,
        ...(cursor === undefined ? {} : { after: cursor }),
      });
      const items = await Promise.all(page.items.map((image) => imageView(images, image)));
      return { status: 200, json: page.next === undefined ? { items } : { items, next: page.next } };
    },
  });
}

function getImage({ images }: ApiDeps): Route {
  return defineRoute({
    method: 'get',
    path: '/images/:id',
    operationId: 'getImage',
    summary: 'One disk image',
    tag: 'images',
    params: byImage,
    responses: { 200: imageSchema, 404: 'There is no such image' },
    handle: async ({ params: { id } }) => {
      const image = await images.find(id);
      return image === undefined
        ? problem(404, `There is no image '${id}'.`)
        : { status: 200, json: await imageView(images, image) };
    },
  });
}

type Upload = Pick<RouteRequest<unknown, unknown, unknown>, 'headers' | 'signal'> & {
  readonly stream: IncomingMessage;
};

function postImage(deps: ApiDeps): Route {
  return defineRoute({
    method: 'post',
    path: '/images',
    operationId: 'addImage',
    summary: 'Add an image: the body is the file; or JSON with the url from which the server is to fetch it',
    tag: 'images',
    query: metadataTexts.partial({ name: true }),
    bodyKind: 'stream',
    responses: { ...uploadAnswers, 202: uploadSchema.describe('It is being fetched') },
    handle: async ({ query, ...upload }) => {
      if (/^application\/json\b/i.test(upload.headers['content-type'] ?? '')) return fetchImage(deps, upload.stream);
      const { name, ...rest } = query;
      if (name !== undefined) return takeImage(deps, { name, ...rest }, upload);
      dismissBody(upload.stream);
      const expected = 'is needed: what the image is to be called';
      return {
        problem: { status: 400, detail: `query.name: ${expected}`, errors: [{ field: 'query.name', expected }] },
      };
    },
  });
}

function putImage(deps: ApiDeps): Route {
  return defineRoute({
    method: 'put',
    path: '/images/:name',
    operationId: 'putImage',
    summary: 'Add an image under this name: the body is the file',
    tag: 'images',
    params: imageMetadataSchema.pick({ name: true }),
    query: metadataTexts.omit({ name: true }),
    bodyKind: 'stream',
    responses: uploadAnswers,
    handle: ({ params: { name }, query, ...upload }) => takeImage(deps, { name, ...query }, upload),
  });
}

async function takeImage(
  { images }: ApiDeps,
  metadata: ImageMetadata,
  { headers, stream, signal }: Upload,
): Promise<RouteResponse> {
  const unfit = refuseBody(headers, metadata.sha256);
  if (unfit !== undefined) {
    dismissBody(stream);
    return unfit;
  }
  const length = bodyLength(headers);
  const source = { stream: bodyChunks(stream, signal), ...(length === undefined ? {} : { length }) };
  const added = await images.add(metadata, source);
  if (!added.ok) {
    dismissBody(stream);
    return refusalAnswer(added.refusal, uploadHint);
  }
  const { image } = added;
  return { status: 201, json: await imageView(images, image), headers: { location: `/images/${image.id}` } };
}

const fetchBody = imageMetadataSchema.extend({
  url: z.url({ protocol: /^https?$/, error: 'expected an http or https address' }).max(2000),
});

async function fetchImage({ images }: ApiDeps, stream: IncomingMessage): Promise<RouteResponse> {
  const body = await readBody(stream, 'json');
  if (!body.ok) return { problem: body.problem };
  const parsed = fetchBody.safeParse(body.value ?? {});
  if (!parsed.success) return invalidAnswer('body', parsed.error);
  const { url, ...metadata } = parsed.data;
  const begun = await images.begin({ way: 'url', metadata, url });
  if (!begun.ok) return refusalAnswer(begun.refusal);
  const { id } = begun.upload.record;
  return { status: 202, json: uploadView(begun.upload), headers: { location: `/image-uploads/${id}` } };
}

function deleteImage({ images }: ApiDeps): Route {
  return defineRoute({
    method: 'delete',
    path: '/images/:id',
    operationId: 'deleteImage',
    summary: 'Remove an image; its file goes with the last image that has it',
    tag: 'images',
    params: byImage,
    responses: { 204: 'It is removed', 404: 'There is no such image', 409: 'A deployment is writing it to a node' },
    handle: async ({ params: { id } }) => {
      const removed = await images.remove(id);
      if (removed.ok) return { status: 204, empty: true };
      return problem(removed.reason === 'missing' ? 404 : 409, removed.message);
    },
  });
}

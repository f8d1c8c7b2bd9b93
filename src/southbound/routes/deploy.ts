import { basename, dirname } from 'node:path';
import { z } from 'zod';
import { isAnswered } from '../../http/files.ts';
import { defineRoute, type Route, type RouteResponse } from '../../http/route.ts';
import { seedNames } from '../../deployment/seed.ts';
import { parseSystem } from '../../deployment/system.ts';
import type { Deployment } from '../../model/deployment.ts';
import type { SouthboundDeps } from '../deps.ts';
import { fileFact } from '../file-fact.ts';

/**
 * What a node may have of its deployment, all under the deployment's token, which is a secret of that node while its run
 * lasts: whoever has another, or one of a run that ended, is told that there is nothing.
 */

const byToken = z.object({ token: z.string().max(200) });
const nothing: RouteResponse = { problem: { status: 404, detail: 'there is no such deployment, or it has ended' } };
const noStore = { 'cache-control': 'no-store' };

const progressBody = z.object({
  step: z.string().regex(/^[a-z][a-z-]{0,31}$/, 'must be a word of lower-case letters'),
  bytes: z.int().min(0),
  total: z.int().min(0),
});
/** cloud-init's own call brings the host's public keys. */
const homeLimit = 64 * 1024;

export function deployRoutes(deps: SouthboundDeps): Route[] {
  return [
    imageRoute(deps),
    seedRoute(deps, 'seed'),
    seedRoute(deps, 'disk-seed'),
    progressRoute(deps),
    homeRoute(deps),
  ];
}

function imageRoute(deps: SouthboundDeps): Route {
  return defineRoute({
    method: 'get',
    path: '/deploy/:token/image',
    summary: "The deployment's image as it is stored; with ranges",
    operationId: 'deployImage',
    tag: 'deploy',
    secretPath: true,
    params: byToken,
    responses: { 200: 'the image', 206: 'the range asked for', 404: 'no such deployment, or its image was removed' },
    handle: async ({ params, peer }) => {
      const deployment = await deps.deployments.byToken(params.token);
      if (!deployment) return nothing;
      return {
        raw: async (request, response): Promise<RouteResponse | undefined> => {
          const path = deps.imagePath(deployment.image);
          const outcome = await deps.sendFile(request, response, basename(path), {
            root: dirname(path),
            type: 'application/octet-stream',
          });
          const { name } = deployment.image;
          const about = { how: 'token', address: peer, ...idsOf(deployment) } as const;
          if (request.method !== 'HEAD') {
            deps.record(fileFact(outcome, { what: `the image '${name}'`, data: { image: name }, about }));
          }
          if (!isAnswered(outcome))
            return { problem: { status: 404, detail: `the file of the image '${name}' is gone` } };
          return undefined;
        },
      };
    },
  });
}

/** `seed`: what cloud-init fetches; `disk-seed`: what belongs on the disk, for the agent that writes it there. */
function seedRoute(deps: SouthboundDeps, place: 'seed' | 'disk-seed'): Route {
  return defineRoute({
    method: 'get',
    path: `/deploy/:token/${place}/:name`,
    summary:
      place === 'seed' ? "A document of cloud-init's NoCloud seed" : 'A document of the seed, as it goes to the disk',
    operationId: place === 'seed' ? 'deploySeed' : 'deployDiskSeed',
    tag: 'deploy',
    secretPath: true,
    params: byToken.extend({ name: z.enum(seedNames) }),
    responses: { 200: 'the document', 404: 'no such deployment, or it has ended' },
    async handle({ params: { token, name } }) {
      const deployment = await deps.deployments.byToken(token);
      if (!deployment) return nothing;
      const seed = await deps.deployments.seed(deployment, place === 'seed' ? 'served' : 'disk');
      return { status: 200, text: seed[name], type: 'text/plain; charset=utf-8', headers: noStore };
    },
  });
}

function progressRoute(deps: SouthboundDeps): Route {
  return defineRoute({
    method: 'post',
    path: '/deploy/:token/progress',
    summary: 'How far a step of the deployment is',
    operationId: 'deployProgress',
    tag: 'deploy',
    secretPath: true,
    params: byToken,
    body: progressBody,
    bodyLimit: 1024,
    responses: { 204: 'noted', 404: 'no such deployment, or it has ended: stop' },
    async handle({ params, body }) {
      const deployment = await deps.deployments.byToken(params.token);
      if (!deployment) return nothing;
      await deps.deployments.progress(deployment, body);
      return { status: 204, empty: true };
    },
  });
}

function homeRoute(deps: SouthboundDeps): Route {
  return defineRoute({
    method: 'post',
    path: '/deploy/:token/phone-home',
    summary: 'The installed system is up, and tells what it is: a form, or JSON',
    operationId: 'deployPhoneHome',
    tag: 'deploy',
    secretPath: true,
    params: byToken,
    bodyKind: 'text',
    bodyLimit: homeLimit,
    body: z.string().default(''),
    responses: { 200: 'noted', 400: 'neither a form nor JSON', 404: 'no such deployment, or it has ended' },
    async handle({ params, body, peer }) {
      const deployment = await deps.deployments.byToken(params.token);
      if (!deployment) return nothing;
      const system = parseSystem(body, deps.now().toISOString());
      if (!system) return { problem: { status: 400, detail: 'send a form or a JSON object' } };
      const isFirst = await deps.deployments.calledHome(deployment, system);
      if (isFirst) {
        const { hostname, kernel, os } = system;
        const what = [os, kernel && `kernel ${kernel}`, system.addresses.join(' ')].filter((part) => part);
        const text = `'${hostname}' called home: ${what.join(', ')}`;
        const about = { how: 'token', address: peer, ...idsOf(deployment) } as const;
        deps.record({ kind: 'deploy.home', text, ...about, data: { ...system } });
      }
      // Also where it had called before: a crash between the two must not lose the call.
      await deps.engine.callback(deployment.id, 'phone-home', { ok: true, context: { system } });
      return { status: 200, json: {} };
    },
  });
}

function idsOf({ id, nodeId }: Deployment): { nodeId: string; runId: string } {
  return { nodeId, runId: id };
}

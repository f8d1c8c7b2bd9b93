import { z } from 'zod';
import { imageObjection } from '../../deployment/prepare.ts';
import { deployRequestSchema, hostnameFor, type DeployRequest } from '../../deployment/request.ts';
import { defineRoute, type Route, type RouteResponse } from '../../http/route.ts';
import { nextNodeState, nodeStates, type NodePurpose } from '../../model/node-states.ts';
import type { Node } from '../../model/node.ts';
import type { ApiDeps } from '../deps.ts';
import { invalidAnswer, problem, withNodeId } from './answers.ts';
import { startOperation } from './operations.ts';
import { byId, operationSchema } from './schemas.ts';

/** The user that `keys` are for where no other is named. */
const defaultUser = 'admin';

/**
 * `user` and `keys` are short for one entry of `users`. All the rest is the deployment's own request, so that a field is
 * checked in one place only.
 */
const deployBody = z.looseObject({
  user: z.string().optional().describe(`name of the one user that \`keys\` are for; ${defaultUser} if absent`),
  keys: z.array(z.string()).optional().describe('lines of authorized_keys for that user'),
  image: z.string().describe('name or id of an image'),
  hostname: z.string().optional().describe("one label; the node's name if absent"),
  domain: z.string().optional(),
  users: z.array(z.unknown()).optional().describe('{name, authorizedKeys, passwordHash} of each'),
  userData: z.string().optional().describe("cloud-init's user data; kept sealed"),
  disk: z
    .record(z.string(), z.unknown())
    .optional()
    .describe('which disk: serial, wwn, size, minSize, maxSize, type, path or name; needed where there are several'),
  seed: z.string().optional().describe('disk (default): the seed is written to the disk; network: it stays with us'),
});

/** `POST /nodes/:id/deploy` and `/release`. */
export function deployRoutes(deps: ApiDeps): Route[] {
  return [deployRoute(deps), releaseRoute(deps)];
}

const answers = {
  202: operationSchema,
  400: 'A field is not as it should be',
  404: 'There is no such node or image',
  409: 'The node is busy, or in a state from which this cannot be done',
};

function deployRoute(deps: ApiDeps): Route {
  return defineRoute({
    method: 'post',
    path: '/nodes/:id/deploy',
    operationId: 'deployNode',
    summary: 'Put an operating system on the disk of a node, and boot it; the disk is overwritten',
    tag: 'deploy',
    params: byId,
    body: deployBody,
    responses: answers,
    handle: ({ params: { id }, body }) =>
      withNodeId(deps, id, async (node) => {
        const parsed = deployRequestSchema.safeParse(asRequest(body, node));
        if (!parsed.success) return invalidAnswer('body', parsed.error);
        const image = await deps.images.find(parsed.data.image);
        if (!image) return problem(404, `There is no image '${parsed.data.image}': GET /images lists those there are.`);
        const objection = imageObjection(image, parsed.data);
        if (objection !== undefined) return problem(400, `${objection}.`);
        return (
          illegal(node, 'deploy') ??
          startOperation(deps, {
            graph: image.cloudInit ? 'Graph.InstallImage' : 'Graph.InstallImage.Silent',
            nodeId: node.id,
            // It may hold keys and passwords: in the run's options it stands sealed.
            options: { prepare: { image: image.id, sealedRequest: sealed(deps, { ...parsed.data, image: image.id }) } },
          })
        );
      }),
  });
}

function sealed({ sealer }: ApiDeps, request: DeployRequest): string {
  return sealer.seal(JSON.stringify(request));
}

function asRequest({ user, keys, users, ...rest }: z.infer<typeof deployBody>, node: Node): unknown {
  const own =
    user === undefined && keys === undefined ? [] : [{ name: user ?? defaultUser, authorizedKeys: keys ?? [] }];
  return { hostname: hostnameFor(node.name), ...rest, users: [...own, ...(users ?? [])] };
}

function releaseRoute(deps: ApiDeps): Route {
  return defineRoute({
    method: 'post',
    path: '/nodes/:id/release',
    operationId: 'releaseNode',
    summary: 'Take a node back: partition tables and signatures are erased from every disk, and it is available again',
    tag: 'deploy',
    params: byId,
    responses: answers,
    handle: ({ params: { id } }) =>
      withNodeId(
        deps,
        id,
        (node) => illegal(node, 'release') ?? startOperation(deps, { graph: 'Graph.Release.Node', nodeId: node.id }),
      ),
  });
}

/** Why a node in its state cannot be deployed or released; undefined: it can. */
function illegal({ state }: Node, purpose: NodePurpose): RouteResponse | undefined {
  if (nextNodeState(state.name, purpose) !== undefined) return undefined;
  const { meaning } = nodeStates[state.name];
  const hint = state.name === 'deployed' ? ' Release it first: POST /nodes/ID/release.' : '';
  return problem(409, `The node is ${state.name} (${meaning}): it cannot ${purpose} from there.${hint}`);
}

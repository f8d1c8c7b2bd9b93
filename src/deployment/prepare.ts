import type { DeployedUser, Deployment } from '../model/deployment.ts';
import type { Image } from '../model/image.ts';
import type { Sealer } from '../secrets/seal.ts';
import { hashToken, newToken } from '../secrets/token.ts';
import type { Store } from '../store/collections.ts';
import { modify } from '../store/modify.ts';
import type { DeployRequest } from './request.ts';

export interface PrepareDeps {
  readonly store: Pick<Store, 'deployments'>;
  readonly images: {
    /** The image of this name or id, if its blob is whole. */
    find(word: string): Promise<Image | undefined>;
  };
  readonly sealer: Sealer;
}

export interface PrepareInput {
  readonly runId: string;
  readonly nodeId: string;
  readonly request: DeployRequest;
}

export type Prepared =
  | { readonly ok: true; readonly deployment: Deployment }
  | { readonly ok: false; readonly reason: 'no-image' | 'image-cannot'; readonly message: string };

/**
 * Writes down what a run is to deploy, with a token of its own, and ends the deployments that the node had before: their
 * tokens open nothing any more. What is there already is kept, so that a repeat changes nothing.
 */
export async function prepareDeployment(
  deps: PrepareDeps,
  { runId, nodeId, request }: PrepareInput,
): Promise<Prepared> {
  const { deployments } = deps.store;
  const present = await deployments.get(runId);
  if (present) return { ok: true, deployment: present };
  const image = await deps.images.find(request.image);
  if (!image) {
    const message = `there is no image '${request.image}': GET /images lists those there are`;
    return { ok: false, reason: 'no-image', message };
  }
  const objection = imageObjection(image, request);
  if (objection !== undefined) return { ok: false, reason: 'image-cannot', message: objection };
  await endOthers(deps, nodeId);
  const token = newToken();
  const made = await deployments.insert({
    id: runId,
    nodeId,
    imageId: image.id,
    image: pick(image),
    ...requested(request, deps.sealer),
    tokenHash: hashToken(token),
    sealedToken: deps.sealer.seal(token),
    state: 'active',
  });
  const deployment = made.ok ? made.document : await deployments.get(runId);
  if (!deployment) throw new Error(`deployment ${runId} was deleted while it was made`);
  return { ok: true, deployment };
}

/** What cannot be had from an image without cloud-init: nothing on it would read the seed. */
export function imageObjection(
  { name, cloudInit }: Pick<Image, 'name' | 'cloudInit'>,
  { users, userData }: Pick<DeployRequest, 'users' | 'userData'>,
): string | undefined {
  if (cloudInit || (users.length === 0 && userData === undefined)) return undefined;
  return `the image '${name}' has no cloud-init, so that it takes neither users nor user data: leave them out`;
}

function pick({ name, sha256, sizeBytes, format, rawBytes, cloudInit }: Image): Deployment['image'] {
  return { name, sha256, sizeBytes, format, rawBytes, cloudInit };
}

function requested(
  { hostname, domain, users, userData, disk, seed }: DeployRequest,
  sealer: Sealer,
): Pick<Deployment, 'hostname' | 'domain' | 'users' | 'sealedUserData' | 'diskHints' | 'seed'> {
  return {
    hostname,
    seed,
    users: users.map(({ name, authorizedKeys, passwordHash }): DeployedUser => ({
      name,
      authorizedKeys,
      ...(passwordHash === undefined ? {} : { sealedPasswordHash: sealer.seal(passwordHash) }),
    })),
    ...(domain === undefined ? {} : { domain }),
    ...(userData === undefined ? {} : { sealedUserData: sealer.seal(userData) }),
    ...(disk === undefined ? {} : { diskHints: disk }),
  };
}

async function endOthers({ store }: PrepareDeps, nodeId: string): Promise<void> {
  const { items } = await store.deployments.find({ where: { nodeId, state: 'active' } });
  for (const { id } of items) {
    await modify(store.deployments, id, (deployment): Deployment => ({ ...deployment, state: 'ended' }));
  }
}

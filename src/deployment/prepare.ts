import type { Deployment } from '../model/deployment.ts';
import type { Image } from '../model/image.ts';
import type { Sealer } from '../secrets/seal.ts';
import { hashToken, newToken } from '../secrets/token.ts';
import type { Store } from '../store/collections.ts';
import type { DeployRequest } from './request.ts';

/** The beginning of a deployment: what a run is to do is written down once, with the token that its node has for it. */

export interface PrepareInput {
  readonly runId: string;
  readonly nodeId: string;
  readonly request: DeployRequest;
}

export type Prepared =
  | { readonly ok: true; readonly deployment: Deployment }
  | { readonly ok: false; readonly reason: 'no-image' | 'options'; readonly message: string };

export interface PrepareDeps {
  readonly store: Store;
  readonly sealer: Sealer;
  /** The image of that name or id. */
  readonly findImage: (image: string) => Promise<Image | undefined>;
}

/** Writes a deployment down; for a run that was prepared before, answers with what was written then. */
export async function prepareDeployment(
  { store, sealer, findImage }: PrepareDeps,
  { runId, nodeId, request }: PrepareInput,
): Promise<Prepared> {
  const before = await store.deployments.get(runId);
  if (before) return { ok: true, deployment: before };
  const image = await findImage(request.image);
  if (!image) return { ok: false, reason: 'no-image', message: `there is no image '${request.image}'` };
  const refusal = imageObjection(image, request);
  if (refusal !== undefined) return { ok: false, reason: 'options', message: refusal };
  const token = newToken();
  const { hostname, domain, users, userData, seed, disk } = request;
  const { name, sha256, sizeBytes, format, rawBytes, cloudInit } = image;
  const inserted = await store.deployments.insert({
    id: runId,
    nodeId,
    imageId: image.id,
    image: { name, sha256, sizeBytes, format, rawBytes, cloudInit },
    hostname,
    ...(domain === undefined ? {} : { domain }),
    users: users.map(({ name: user, authorizedKeys, passwordHash }) => ({
      name: user,
      authorizedKeys,
      ...(passwordHash === undefined ? {} : { sealedPasswordHash: sealer.seal(passwordHash) }),
    })),
    ...(userData === undefined ? {} : { sealedUserData: sealer.seal(userData) }),
    seed,
    ...(disk === undefined ? {} : { diskHints: disk }),
    tokenHash: hashToken(token),
    sealedToken: sealer.seal(token),
    state: 'active',
  });
  if (inserted.ok) {
    // An image cannot be deleted once a deployment names it: it may have been in the moment before.
    if (await findImage(image.id)) return { ok: true, deployment: inserted.document };
    await store.deployments.delete(runId);
    return { ok: false, reason: 'no-image', message: `the image '${name}' was deleted` };
  }
  // Another worker prepared the same run meanwhile.
  const other = await store.deployments.get(runId);
  if (!other) throw new Error(`deployment ${runId} is taken and not there`);
  return { ok: true, deployment: other };
}

/**
 * Why an image cannot be deployed as was asked, in words for the operator; undefined: it can. An image that reads no seed
 * would come up without what was asked for, and nobody would be told.
 */
export function imageObjection(
  { name, cloudInit }: Pick<Image, 'name' | 'cloudInit'>,
  { users, userData }: Pick<DeployRequest, 'users' | 'userData'>,
): string | undefined {
  if (cloudInit || (users.length === 0 && userData === undefined)) return undefined;
  return `the image '${name}' has no cloud-init, so it takes neither users nor user data: leave them out, or use another image`;
}

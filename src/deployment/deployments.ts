import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { DeployedSystem, Deployment } from '../model/deployment.ts';
import type { RecordFact } from '../model/fact.ts';
import { hashToken, tokenMatches } from '../secrets/token.ts';
import { modify } from '../store/modify.ts';
import { prepareDeployment, type Prepared, type PrepareDeps, type PrepareInput } from './prepare.ts';
import { isForTimeline, progressAfter, progressFact, type ProgressReport } from './progress.ts';
import { pointerSeed, seedOf, type Seed, type SeedInput } from './seed.ts';

/** Deployments as the store keeps them, and what their nodes may have of them. */
export interface Deployments {
  /** Writes down what a run is to deploy; the same again for a run that was prepared before. */
  prepare(input: PrepareInput): Promise<Prepared>;
  /** The deployment of a token, while its run is running. */
  byToken(token: string): Promise<Deployment | undefined>;
  /** The token of the node's running deployment: the secret `deploy-token` of its agent's tasks. */
  deployToken(nodeId: string): Promise<string | undefined>;
  /** The seed as it is served (`network`), or as it is written to the disk, where `seed` may be a pointer only. */
  seed(deployment: Deployment, place: 'served' | 'disk'): Promise<Seed>;
  /** How far the node is. */
  progress(deployment: Deployment, report: ProgressReport): Promise<void>;
  /** What the deployed system says of itself; answers whether this is the first time. */
  calledHome(deployment: Deployment, system: DeployedSystem): Promise<boolean>;
  /** The token opens nothing any more. Harmless where there is no such deployment. */
  end(runId: string): Promise<void>;
}

export interface DeploymentsDeps extends PrepareDeps {
  /** Base URL of the southbound listener as nodes see it. */
  readonly url: string;
  readonly record: RecordFact;
  readonly now: () => Date;
}

export function createDeployments(deps: DeploymentsDeps): Deployments {
  const { store, sealer, now, record } = deps;
  const { deployments } = store;
  const isRunning = async ({ id, state }: Deployment): Promise<boolean> =>
    state === 'active' && (await store.runs.get(id))?.state === 'running';

  return {
    prepare: (input) => prepareDeployment(deps, input),

    async byToken(token) {
      const { items } = await deployments.find({ where: { tokenHash: hashToken(token) }, limit: 1 });
      const [found] = items;
      return found && tokenMatches(token, found.tokenHash) && (await isRunning(found)) ? found : undefined;
    },

    async deployToken(nodeId) {
      const { items } = await deployments.find({ where: { nodeId, state: 'active' }, limit: 100 });
      for (const deployment of items) {
        if (await isRunning(deployment)) return sealer.open(deployment.sealedToken);
      }
      return undefined;
    },

    async seed(deployment, place) {
      const input = await seedInput(deps, deployment);
      return place === 'disk' && deployment.seed === 'network' ? pointerSeed(input) : seedOf(input);
    },

    async progress({ id, nodeId, progress: before }, report) {
      const after = progressAfter(before, report, now());
      if (!after) return;
      await modify(deployments, id, (current) => ({ ...current, progress: after }));
      if (isForTimeline(before, after)) record(progressFact(after, { nodeId, runId: id }));
    },

    async calledHome({ id }, system) {
      const written = await modify(deployments, id, (current) =>
        current.system === undefined ? { ...current, system } : undefined,
      );
      return written.ok;
    },

    async end(runId) {
      await modify(deployments, runId, (current): Deployment | undefined =>
        current.state === 'ended' ? undefined : { ...current, state: 'ended' },
      );
    },
  };
}

async function seedInput({ store, sealer, url }: DeploymentsDeps, deployment: Deployment): Promise<SeedInput> {
  const { id, nodeId, hostname, domain, users, sealedUserData, sealedToken, seed } = deployment;
  const { items: boots } = await store.boots.find({
    where: { nodeId },
    sort: { field: 'createdAt', order: 'desc' },
    limit: 1,
  });
  return {
    deploymentId: id,
    hostname,
    domain,
    users: users.map(({ name, authorizedKeys, sealedPasswordHash }) => ({
      name,
      authorizedKeys,
      passwordHash: sealedPasswordHash === undefined ? undefined : sealer.open(sealedPasswordHash),
    })),
    userData: sealedUserData === undefined ? undefined : sealer.open(sealedUserData),
    mac: boots[0]?.mac ?? (await store.nodes.get(nodeId))?.bootMac,
    url: `${url}/deploy/${sealer.open(sealedToken)}`,
    phoneHome: await readFile(join(import.meta.dirname, 'phone-home.sh'), 'utf8'),
    fetched: seed === 'network',
  };
}

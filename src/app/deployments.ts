import { southboundUrl } from '../boot/offer.ts';
import type { Config } from '../config-schema.ts';
import { createDeployments, type Deployments } from '../deployment/deployments.ts';
import { describeError } from '../errors.ts';
import type { Images } from '../images/images.ts';
import type { Engine } from '../workflows/engine-interface.ts';
import type { Foundation } from './foundation.ts';
import type { Southbound } from './network.ts';

interface DeploymentsOf {
  readonly config: Config;
  readonly foundation: Foundation;
  readonly southbound: Southbound | undefined;
  readonly images: Images;
}

/** The deployments of this server; nodes reach them by its southbound listener. */
export function deploymentsOf({ config, foundation, southbound, images }: DeploymentsOf): Deployments {
  const { store, sealer, facts, now } = foundation;
  const address = southbound?.local.address ?? config.admin.address;
  const url = southboundUrl({ address, httpPort: config.southbound.httpPort });
  return createDeployments({ store, sealer, findImage: images.find, url, record: facts.record, now });
}

/**
 * Ends each deployment with its run. That its token opens nothing does not hang on this: it is asked of the run each time.
 * What this lets go is the image, which may be deleted once nothing is deployed from it.
 */
export function endWithRuns(deployments: Deployments, engine: Engine, { log }: Foundation): () => void {
  return engine.on(({ run }) => {
    if (run.state === 'running' || run.context.deployment === undefined) return;
    deployments.end(run.id).catch((error: unknown) => {
      log.warn({ event: 'deployment.end', runId: run.id, error: describeError(error) }, 'ended at the next start');
    });
  });
}

/** Ends what a crash left between a run's end and its deployment's. */
export async function endLeftOver(deployments: Deployments, { store }: Foundation): Promise<void> {
  const { items } = await store.deployments.find({ where: { state: 'active' }, limit: 10_000 });
  for (const { id } of items) {
    if ((await store.runs.get(id))?.state !== 'running') await deployments.end(id);
  }
}

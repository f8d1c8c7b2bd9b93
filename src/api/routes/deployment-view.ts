import type { ChosenDisk, DeployedSystem } from '../../model/deployment.ts';
import type { Store } from '../../store/collections.ts';
import { present, type Present } from '../present.ts';
import type { DeploymentView } from './schemas.ts';

/** A node's newest deployment, without what only the node may know; undefined where it has none. */
export async function newestDeployment(store: Store, nodeId: string): Promise<Present<DeploymentView> | undefined> {
  const sort = { field: 'createdAt', order: 'desc' } as const;
  const { items } = await store.deployments.find({ where: { nodeId }, sort, limit: 1 });
  const [newest] = items;
  if (!newest) return undefined;
  const { id, image, hostname, progress, system, createdAt } = newest;
  // The choice is the run's own; only that may write to what was chosen.
  const disk = (await store.runs.get(id))?.context.disk as ChosenDisk | undefined;
  return present({
    operation: id,
    image: { name: image.name, sha256: image.sha256 },
    hostname,
    disk: disk && present({ name: disk.name, sizeBytes: disk.sizeBytes, serial: disk.serial, wwn: disk.wwn }),
    progress,
    system: system && systemView(system),
    createdAt,
  });
}

function systemView({
  hostname,
  kernel,
  addresses,
  os,
  at,
}: DeployedSystem): NonNullable<Present<DeploymentView>['system']> {
  return present({ hostname, kernel, addresses, os, at });
}

import { z } from 'zod';
import type { Store } from '../../store/collections.ts';

const catalogSchema = z.looseObject({ 'IP Address': z.string().optional() });

/** What the node's BMC told last of its LAN settings, in band; undefined where it has no BMC that answers. */
export async function newestBmcCatalog(
  store: Store,
  nodeId: string,
): Promise<z.infer<typeof catalogSchema> | undefined> {
  const { items } = await store.catalogs.find({
    where: { nodeId, source: 'bmc' },
    sort: { field: 'createdAt', order: 'desc' },
    limit: 1,
  });
  return catalogSchema.safeParse(items[0]?.data).data;
}

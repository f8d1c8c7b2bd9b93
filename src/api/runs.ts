import type { ResolvedGraph, Run } from '../model/run.ts';
import type { Store } from '../store/collections.ts';

/** The resolved definitions of runs, by the runs' `definitionId`, in one query. */
export async function definitionsOf(store: Store, runs: readonly Run[]): Promise<ReadonlyMap<string, ResolvedGraph>> {
  const ids = [...new Set(runs.map(({ definitionId }) => definitionId))];
  if (ids.length === 0) return new Map();
  const { items } = await store.definitions.find({ where: { id: { in: ids } }, limit: ids.length });
  // Only the engine writes `resolved` definitions, and it writes nothing else under their ids.
  return new Map(items.map(({ id, body }) => [id, body as ResolvedGraph]));
}

const runId = /^[0-9a-f-]{24,36}$/;

/** The run with this id or RackHD instance id; undefined for text that is neither, too. */
export async function findRun(store: Store, id: string): Promise<Run | undefined> {
  if (!runId.test(id)) return undefined;
  return (await store.runs.get(id)) ?? (await store.runs.find({ where: { instanceId: id }, limit: 1 })).items[0];
}

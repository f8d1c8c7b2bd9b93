import type { Store } from '../store/collections.ts';
import type { Filter } from '../store/repository.ts';

/** Facts deleted in one step: short enough that writes in between hardly wait. */
const step = 500;

export interface FactLimits {
  /** Facts kept in all; default 200,000. */
  readonly facts: number;
  /** Days that a fact is kept; default 30. */
  readonly days: number;
  /** Facts kept of clients that are no node's; default 10,000. */
  readonly strangers: number;
}

export const defaultFactLimits: FactLimits = { facts: 200_000, days: 30, strangers: 10_000 };

/** Deletes facts that are too old, then the oldest of those that are too many; answers how many. */
export async function pruneFacts(facts: Store['facts'], limits: FactLimits, now: Date): Promise<number> {
  const oldest = new Date(now.getTime() - limits.days * 86_400_000).toISOString();
  const aged = await deleteOldest(facts, Infinity, { at: { lt: oldest } });
  return aged + (await deleteOldest(facts, (await facts.count()) - limits.facts));
}

async function deleteOldest(facts: Store['facts'], most: number, where: Filter = {}): Promise<number> {
  let deleted = 0;
  while (deleted < most) {
    const limit = Math.min(step, most - deleted);
    const { items } = await facts.find({ where, sort: { field: 'at', order: 'asc' }, limit });
    if (items.length === 0) break;
    deleted += await facts.deleteWhere({ id: { in: items.map((fact) => fact.id) } });
    if (items.length < limit) break;
  }
  return deleted;
}

import type { OutboxItem, Run } from '../model/run.ts';

/**
 * What the saved document says must be going on. Carried out after each save, at start and in each sweep: recovery is
 * no second code path. Each action may be carried out any number of times.
 */
export type Action =
  /** Give workers the hint that this attempt can be claimed. */
  | { readonly kind: 'dispatch'; readonly label: string; readonly attempt: number }
  /** The moment has passed: signal it. */
  | { readonly kind: 'claim-expired' | 'deadline'; readonly label: string; readonly attempt: number }
  /** Nothing else falls due before this moment (ISO 8601): look again then. */
  | { readonly kind: 'wake'; readonly at: string }
  | { readonly kind: 'publish'; readonly upTo: number; readonly items: readonly OutboxItem[] };

export function due(run: Run, now: Date): Action[] {
  const actions: Action[] = [];
  const moments: string[] = [];
  for (const [label, task] of Object.entries(run.tasks)) {
    const { attempt, state, claim, deadline } = task;
    if (state === 'dispatched') actions.push({ kind: 'dispatch', label, attempt });
    const limits = [
      { kind: 'deadline' as const, at: deadline },
      { kind: 'claim-expired' as const, at: claim?.until },
    ];
    for (const { kind, at } of limits) {
      if (at === undefined) continue;
      if (at <= now.toISOString()) actions.push({ kind, label, attempt });
      else moments.push(at);
    }
  }
  const last = run.outbox.at(-1);
  if (last) actions.push({ kind: 'publish', upTo: last.seq, items: run.outbox });
  if (moments.length > 0) actions.push({ kind: 'wake', at: moments.reduce((a, b) => (a < b ? a : b)) });
  return actions;
}

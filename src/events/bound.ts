import type { NewFact } from '../model/fact.ts';

/** What a fact may weigh, so that ten thousand of them from a hostile client still fit into memory. */
const textLimit = 500;
const keyLimit = 64;
const stringLimit = 512;
const dataBudget = 4096;
const depthLimit = 4;

// Terminals and logs obey these: C0, DEL, C1, and what changes the direction of writing.
const unprintable = /[\p{Cc}\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;

/** Text from the network, safe to print: unprintable characters become `?`, and it ends after `limit` characters. */
export function printable(text: string, limit = textLimit): string {
  const cut = text.length > limit ? `${text.slice(0, limit - 1)}…` : text;
  return cut.toWellFormed().replace(unprintable, '?');
}

/**
 * The fact with its text made printable, and its data cut to about 4 KiB of plain JSON that the store accepts. Facts
 * carry what hostile clients sent, so nothing of it is trusted.
 */
export function boundFact<F extends NewFact>(fact: F): F {
  const short = (text: string): string => printable(text, keyLimit);
  return {
    ...fact,
    text: printable(fact.text),
    ...(fact.mac !== undefined && { mac: short(fact.mac) }),
    ...(fact.uuid !== undefined && { uuid: short(fact.uuid) }),
    ...(fact.address !== undefined && { address: short(fact.address) }),
    ...(fact.nodeId !== undefined && { nodeId: short(fact.nodeId) }),
    ...(fact.runId !== undefined && { runId: short(fact.runId) }),
    ...(fact.data !== undefined && { data: boundData(fact.data) }),
  };
}

function boundData(data: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const budget = { left: dataBudget };
  const kept = boundObject(data, budget, 0);
  return budget.left < 0 ? { ...kept, truncated: true } : kept;
}

interface Budget {
  left: number;
}

/** Takes `size` from the budget; false when it is used up, and then nothing more is copied. */
function spend(budget: Budget, size: number): boolean {
  budget.left -= size;
  return budget.left >= 0;
}

function boundObject(value: object, budget: Budget, depth: number): Record<string, unknown> {
  const kept: [string, unknown][] = [];
  for (const key in value) {
    if (!Object.hasOwn(value, key)) continue;
    const inner: unknown = (value as Record<string, unknown>)[key];
    if (inner === undefined) continue;
    if (!spend(budget, Math.min(key.length, keyLimit) + 4)) break;
    kept.push([printable(key, keyLimit).replace(/^\$|\./g, '_'), boundValue(inner, budget, depth + 1)]);
  }
  return Object.fromEntries(kept);
}

function boundValue(value: unknown, budget: Budget, depth: number): unknown {
  if (value === null || typeof value === 'boolean') return value;
  if (typeof value === 'number') return Number.isFinite(value) ? value : null;
  if (typeof value === 'string') {
    const text = printable(value, stringLimit);
    return spend(budget, text.length) ? text : '…';
  }
  if (typeof value !== 'object' || depth > depthLimit) return '…';
  if (!Array.isArray(value)) return boundObject(value, budget, depth);
  const kept: unknown[] = [];
  for (const inner of value as unknown[]) {
    if (!spend(budget, 4)) break;
    kept.push(boundValue(inner, budget, depth + 1));
  }
  return kept;
}

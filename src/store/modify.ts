import { RackwrightError } from '../errors.ts';
import type { Document } from '../model/document.ts';
import type { Collection, Duplicate } from './repository.ts';

export type ModifyResult<T> =
  | { readonly ok: true; readonly document: T }
  /** No document has this id. */
  | { readonly ok: false; readonly reason: 'missing' }
  /** `change` answered undefined: nothing was written. */
  | { readonly ok: false; readonly reason: 'unchanged'; readonly document: T }
  | Duplicate;

/** Each lost race is another writer's success, so this many in a row mean that somebody writes in a loop. */
const maxAttempts = 200;

/**
 * Reads a document, changes it and writes it; again from the start where another writer came first. `change` may
 * therefore be called more than once and must be pure; it answers undefined where there is nothing to change.
 */
export async function modify<T extends Document>(
  collection: Collection<T>,
  id: string,
  change: (document: T) => T | undefined,
): Promise<ModifyResult<T>> {
  for (let attempt = 0; attempt < maxAttempts; attempt += 1) {
    const current = await collection.get(id);
    if (current === undefined) return { ok: false, reason: 'missing' };
    const changed = change(current);
    if (changed === undefined) return { ok: false, reason: 'unchanged', document: current };
    const result = await collection.update({ ...changed, id: current.id, version: current.version });
    if (result.ok || result.reason === 'duplicate') return result;
  }
  throw new RackwrightError('store-contention', `document ${id} was changed by others ${maxAttempts} times in a row`, {
    retryable: true,
  });
}

import { InputError } from '../errors.ts';
import type { Document, Draft } from '../model/document.ts';
import { newId } from '../model/id.ts';
import type { Backend } from './backend.ts';
import { normalise } from './normalise.ts';
import { find } from './path.ts';
import { checkFilter, plainQuery, writeCursor } from './query.ts';
import type { Collection, CollectionSpec } from './repository.ts';

/** What a collection is made of. */
export interface CollectionDeps {
  readonly backend: Backend;
  readonly name: string;
  readonly spec: CollectionSpec;
  /** Brings a document that was read to the newest form. */
  readonly lift: (document: Document) => Document;
  readonly now: () => Date;
}

/** One collection over an adapter: stamps and checks what goes in, lifts what comes out, pages. */
export function createCollection<T extends Document>({
  backend,
  name,
  spec,
  lift,
  now,
}: CollectionDeps): Collection<T> {
  const read = (document: Document): T => lift(document) as T;

  return {
    async insert(draft) {
      const document = stamp<T>(draft, spec, now());
      checkUnique(name, document, spec);
      const inserted = await backend.insert(name, document);
      return inserted ? { ok: true, document } : { ok: false, reason: 'duplicate' };
    },
    async get(id) {
      const document = await backend.get(name, id);
      return document === undefined ? undefined : read(document);
    },
    async find(query) {
      const plain = plainQuery(spec, query);
      // One more than asked for tells whether there is a next page.
      const found = (await backend.find(name, { ...plain, limit: plain.limit + 1 })).map(read);
      const items = found.slice(0, plain.limit);
      const last = items.at(-1);
      return found.length > items.length && last ? { items, next: writeCursor(last, plain.sort) } : { items };
    },
    async count(where = {}) {
      return backend.count(name, checkFilter(spec, where));
    },
    async update(document) {
      const next = normalise({
        ...document,
        version: document.version + 1,
        schemaVersion: spec.schemaVersion,
        updatedAt: now().toISOString(),
      });
      checkUnique(name, next, spec);
      const outcome = await backend.replace(name, next, document.version);
      return outcome === 'replaced' ? { ok: true, document: next } : { ok: false, reason: outcome };
    },
    async delete(id, version) {
      return backend.delete(name, id, version);
    },
    async deleteWhere(where) {
      return backend.deleteWhere(name, checkFilter(spec, where));
    },
  };
}

function stamp<T extends Document>(draft: Draft<T>, spec: CollectionSpec, now: Date): T {
  const at = now.toISOString();
  const head = { id: draft.id ?? newId(now), version: 1, schemaVersion: spec.schemaVersion };
  const unchecked: unknown = normalise({ ...draft, ...head, createdAt: at, updatedAt: at });
  return unchecked as T;
}

/** A missing value in a unique field would be unique on one adapter and not on the other. */
function checkUnique(name: string, document: Document, spec: CollectionSpec): void {
  for (const field of spec.unique) {
    const found = find(document, field);
    if (found.kind !== 'one' || (typeof found.value !== 'string' && typeof found.value !== 'number')) {
      throw new InputError(`${name}.${field}`, 'is unique and must hold text or a number');
    }
  }
}

import { assembleStore } from '../../src/store/assemble.ts';
import type { Backend } from '../../src/store/backend.ts';
import type { Migrations } from '../../src/store/migrations/lift.ts';
import type { Document } from '../../src/model/document.ts';
import type { Collection, CollectionSpec, Scalar } from '../../src/store/repository.ts';

/** A document with every kind of field that a filter, a sort or an index may meet. */
export interface Thing extends Document {
  readonly key: string;
  readonly group?: Scalar;
  readonly rank?: Scalar;
  readonly labels?: readonly Scalar[];
  readonly place?: { readonly shelf?: Scalar };
  /** Not declared. */
  readonly free?: unknown;
}

export const thingSpecs = {
  things: { schemaVersion: 1, unique: ['key'], indexes: ['group', 'rank', 'labels', 'place.shelf'] },
} as const satisfies Record<string, CollectionSpec>;

export interface OpenThings {
  readonly things: Collection<Thing>;
  readonly backend: Backend;
  readonly close: () => Promise<void>;
  readonly ping: () => Promise<void>;
}

/** Things over an adapter. */
export async function openThings(
  backend: Backend,
  options: {
    readonly specs?: Readonly<Record<string, CollectionSpec>>;
    readonly migrations?: Migrations;
    readonly now?: () => Date;
  } = {},
): Promise<OpenThings> {
  const { specs = thingSpecs, migrations = {}, now } = options;
  const { store, close, ping } = await assembleStore<{ things: Thing }>({ backend, specs, migrations, now });
  return { things: store.things, backend, close, ping };
}

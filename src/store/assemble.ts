import type { Log } from '../log.ts';
import type { Document } from '../model/document.ts';
import type { Backend } from './backend.ts';
import { createCollection } from './collection.ts';
import { liftDocument, type Migrations } from './migrations/lift.ts';
import { upgrade } from './migrations/upgrade.ts';
import type { Collections, CollectionSpec } from './repository.ts';

export interface AssembleDeps {
  readonly backend: Backend;
  readonly specs: Readonly<Record<string, CollectionSpec>>;
  readonly migrations: Migrations;
  readonly now?: (() => Date) | undefined;
  readonly log?: Log | undefined;
}

/** An open store over an adapter: brings it to the newest form, then makes the collections. Closes it on a fault. */
export async function assembleStore<Documents extends { readonly [Name in keyof Documents]: Document }>({
  backend,
  specs,
  migrations,
  now = () => new Date(),
  log,
}: AssembleDeps): Promise<{ store: Collections<Documents>; close: () => Promise<void>; ping: () => Promise<void> }> {
  try {
    await upgrade({ backend, specs, migrations, log });
  } catch (error) {
    await backend.close();
    throw error;
  }
  const collections: unknown = Object.fromEntries(
    Object.entries(specs).map(([name, spec]) => {
      const lineage = { name, schemaVersion: spec.schemaVersion, migrations: migrations[name] ?? [] };
      const lift = (document: Document): Document => liftDocument(lineage, document);
      return [name, createCollection({ backend, name, spec, lift, now })];
    }),
  );
  return {
    store: collections as Collections<Documents>,
    close: () => backend.close(),
    ping: () => backend.ping(),
  };
}

import { RackwrightError } from '../../errors.ts';
import type { Document } from '../../model/document.ts';

/** One change of form of a collection's documents. */
export interface Migration {
  readonly from: number;
  /** `from` + 1. */
  readonly to: number;
  /** The document in the new form. Pure; what every document has (id, version, ...) is kept whatever it answers. */
  lift(document: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>>;
}

/** Every collection's migrations, oldest first. */
export type Migrations = Readonly<Record<string, readonly Migration[]>>;

/** A collection's newest form, and its migrations, oldest first. */
export interface Lineage {
  readonly name: string;
  readonly schemaVersion: number;
  readonly migrations: readonly Migration[];
}

/**
 * Brings a stored document to the newest form, one migration at a time. A document that is newer than this program, or
 * that no migration lifts, is a fault: guessing would lose data.
 */
export function liftDocument({ name, schemaVersion, migrations }: Lineage, document: Document): Document {
  if (document.schemaVersion > schemaVersion) {
    throw newerError(`${name}/${document.id}`, document.schemaVersion, schemaVersion);
  }
  const { id, version, createdAt, updatedAt } = document;
  let lifted = document;
  while (lifted.schemaVersion < schemaVersion) {
    const from = lifted.schemaVersion;
    const migration = migrations.find((candidate) => candidate.from === from);
    if (migration === undefined) {
      throw new RackwrightError('store-migration', `${name}/${id}: no migration lifts form ${from}`);
    }
    const fields = migration.lift({ ...lifted });
    lifted = { ...fields, id, version, createdAt, updatedAt, schemaVersion: migration.to };
  }
  return lifted;
}

/** The fault of reading what a newer program wrote. */
export function newerError(what: string, stored: number, known: number): RackwrightError {
  return new RackwrightError(
    'store-newer',
    `${what} was written by a newer Rackwright (form ${stored}; this program knows up to ${known}): ` +
      'run that version or a later one, or restore the backup made before the upgrade',
  );
}

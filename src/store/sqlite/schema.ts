import type { DatabaseSync } from 'node:sqlite';
import { newerError } from '../migrations/lift.ts';
import { declaredFields } from '../query.ts';
import type { CollectionSpec } from '../repository.ts';
import { elementsTable, quoted } from './sql.ts';

/** Form of the tables themselves, in SQLite's `user_version`; the forms of documents are in the table `forms`. */
const layout = 1;

/** Makes what is missing: tables, a column and an index for each declared field. */
export function createSchema(db: DatabaseSync, specs: Readonly<Record<string, CollectionSpec>>): void {
  const stored = Number(db.prepare('PRAGMA user_version').get()?.user_version);
  if (stored > layout) throw newerError('the database', stored, layout);
  db.exec('BEGIN IMMEDIATE');
  db.exec('CREATE TABLE IF NOT EXISTS "forms" ("collection" TEXT PRIMARY KEY, "form" TEXT NOT NULL) STRICT');
  for (const [name, spec] of Object.entries(specs)) createCollectionTables(db, name, spec);
  db.exec(`PRAGMA user_version = ${layout}`);
  db.exec('COMMIT');
}

function createCollectionTables(db: DatabaseSync, name: string, spec: CollectionSpec): void {
  const table = quoted(name);
  const elements = elementsTable(name);
  db.exec(`CREATE TABLE IF NOT EXISTS ${table} (
    "row" INTEGER PRIMARY KEY, "id" TEXT NOT NULL UNIQUE, "version" INTEGER NOT NULL, "json" TEXT NOT NULL
  ) STRICT`);
  db.exec(`CREATE TABLE IF NOT EXISTS ${elements} (
    "field" TEXT NOT NULL, "key" ANY, "row" INTEGER NOT NULL REFERENCES ${table} ON DELETE CASCADE
  ) STRICT`);
  db.exec(`CREATE INDEX IF NOT EXISTS ${quoted(`${name}:elements:key`)} ON ${elements} ("field", "key", "row")`);
  db.exec(`CREATE INDEX IF NOT EXISTS ${quoted(`${name}:elements:row`)} ON ${elements} ("row")`);
  const columns = new Set(
    db
      .prepare(`PRAGMA table_info(${table})`)
      .all()
      .map((column) => String(column.name)),
  );
  for (const field of declaredFields(spec)) {
    if (!columns.has(field)) db.exec(`ALTER TABLE ${table} ADD COLUMN ${quoted(field)} ANY`);
    const isUnique = spec.unique.includes(field);
    const index = quoted(`${name}:${field}${isUnique ? ':unique' : ''}`);
    const on = isUnique ? quoted(field) : `${quoted(field)}, "id"`;
    db.exec(`CREATE ${isUnique ? 'UNIQUE ' : ''}INDEX IF NOT EXISTS ${index} ON ${table} (${on})`);
  }
}

import { statSync } from 'node:fs';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { RackwrightError } from '../../errors.ts';
import type { Form } from '../backend.ts';
import { matches } from '../match.ts';
import { declaredFields } from '../query.ts';
import type { Filter } from '../repository.ts';
import { describeFault } from './faults.ts';
import type { Key } from './keys.ts';
import { isWrite, type Answer, type Outcome, type Request, type Row, type WorkerSetup } from './protocol.ts';
import { createSchema } from './schema.ts';
import { elementsTable, quoted, selectSql, whereSql, type TableView } from './sql.ts';

/** Statements kept ready. Filters of any number of choices make texts without end, so the collection is emptied at times. */
const maxStatements = 500;

/** Up to this size a file is checked through and through at opening, which takes well under a second. */
const checkedBytes = 64 * 1024 * 1024;

export interface Engine {
  /** Carries out requests in order and answers each; the writes among them share one transaction. */
  run(batch: readonly Request[]): Outcome[];
  close(): void;
}

interface Context {
  readonly db: DatabaseSync;
  readonly prepare: (text: string) => StatementSync;
  readonly view: (collection: string) => TableView;
}

/** Opens the database, and makes its tables unless it is opened for reading only. Synchronous: for a worker thread. */
export function openEngine(setup: WorkerSetup): Engine {
  const db = openDatabase(setup);
  const context = createContext(db, setup);
  return {
    run: (batch) => runBatch(context, batch, setup.path),
    close: () => {
      db.close();
    },
  };
}

function openDatabase({ path, readOnly, specs }: WorkerSetup): DatabaseSync {
  const db = new DatabaseSync(path, { readOnly, timeout: 5000, enableForeignKeyConstraints: true });
  try {
    if (!readOnly) {
      // FULL: a commit is on the disk when it returns, also through a power cut.
      db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA journal_size_limit = 67108864');
      checkIntegrity(db, path);
      createSchema(db, specs);
    }
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

function checkIntegrity(db: DatabaseSync, path: string): void {
  if (path === ':memory:' || statSync(path).size > checkedBytes) return;
  const result = db.prepare('PRAGMA quick_check(1)').get()?.quick_check;
  if (result !== 'ok') throw Object.assign(new Error(String(result)), { errcode: 11 });
}

function createContext(db: DatabaseSync, { specs }: WorkerSetup): Context {
  db.function('matches', { deterministic: true }, (json, where) => {
    return matches(JSON.parse(String(json)), JSON.parse(String(where)) as Filter) ? 1 : 0;
  });
  const statements = new Map<string, StatementSync>();
  const prepare = (text: string): StatementSync => {
    const known = statements.get(text);
    if (known) return known;
    if (statements.size >= maxStatements) statements.clear();
    const statement = db.prepare(text);
    statements.set(text, statement);
    return statement;
  };
  const declared = new Map(Object.entries(specs).map(([name, spec]) => [name, declaredFields(spec)]));
  const view = (table: string): TableView => {
    const lists = prepare(`SELECT 1 FROM ${elementsTable(table)} WHERE "field" = ? LIMIT 1`);
    return { table, declared: declared.get(table) ?? [], hasLists: (field) => lists.get(field) !== undefined };
  };
  return { db, prepare, view };
}

function runBatch(context: Context, batch: readonly Request[], path: string): Outcome[] {
  const { db } = context;
  try {
    db.exec(batch.some(isWrite) ? 'BEGIN IMMEDIATE' : 'BEGIN');
    const outcomes = batch.map((request): Outcome => ({ ok: true, answer: runRequest(context, request) }));
    db.exec('COMMIT');
    return outcomes;
  } catch (error) {
    if (db.isTransaction) db.exec('ROLLBACK');
    // Nothing of the batch is done. Each by itself, so that the fault of one is not the others'.
    if (batch.length > 1) return batch.flatMap((request) => runBatch(context, [request], path));
    return [{ ok: false, fault: faultOf(error, path) }];
  }
}

/** The fault of anything that was thrown in the worker. */
export function faultOf(error: unknown, path: string): Extract<Outcome, { ok: false }>['fault'] {
  if (!(error instanceof RackwrightError)) return describeFault(error, path);
  return { code: error.code, message: `${path}: ${error.message}`, retryable: error.retryable };
}

function runRequest(context: Context, request: Request): Answer {
  const { prepare, view } = context;
  switch (request.op) {
    case 'get': {
      const row = prepare(`SELECT "json" FROM ${quoted(request.collection)} WHERE "id" = ?`).get(request.id);
      return row === undefined ? null : String(row.json);
    }
    case 'find': {
      const select = selectSql(view(request.collection), request.query);
      return prepare(select.text)
        .all(...select.values)
        .map((row) => String(row.json));
    }
    case 'count': {
      const where = whereSql(view(request.collection), request.where);
      const text = `SELECT count(*) AS "count" FROM ${quoted(request.collection)} WHERE ${where.text}`;
      return Number(prepare(text).get(...where.values)?.count);
    }
    case 'insert':
      return insert(context, request.collection, request.row);
    case 'replace':
      return replace(context, request.collection, request.row, request.expected);
    case 'delete': {
      const condition = request.version === undefined ? '' : ' AND "version" = ?';
      const values: Key[] = request.version === undefined ? [request.id] : [request.id, request.version];
      const text = `DELETE FROM ${quoted(request.collection)} WHERE "id" = ?${condition}`;
      return Number(prepare(text).run(...values).changes) > 0;
    }
    case 'deleteWhere': {
      const where = whereSql(view(request.collection), request.where);
      const text = `DELETE FROM ${quoted(request.collection)} WHERE ${where.text}`;
      return Number(prepare(text).run(...where.values).changes);
    }
    case 'forms':
      return readForms(context);
    case 'saveForms':
      return saveForms(context, request.forms);
  }
}

function insert({ prepare, view }: Context, collection: string, row: Row): boolean {
  const columns = ['id', 'version', 'json', ...view(collection).declared];
  const places = columns.map(() => '?').join(', ');
  const text = `INSERT INTO ${quoted(collection)} (${columns.map(quoted).join(', ')}) VALUES (${places}) ON CONFLICT DO NOTHING`;
  const { changes, lastInsertRowid } = prepare(text).run(row.id, row.version, row.json, ...row.keys.fields);
  if (Number(changes) === 0) return false;
  insertElements({ prepare }, collection, lastInsertRowid, row);
  return true;
}

function replace(
  { prepare, view }: Context,
  collection: string,
  row: Row,
  expected: number,
): 'replaced' | 'conflict' | 'duplicate' {
  const table = quoted(collection);
  const current = prepare(`SELECT "row" FROM ${table} WHERE "id" = ? AND "version" = ?`).get(row.id, expected);
  if (current === undefined) return 'conflict';
  const number = Number(current.row);
  const assignments = ['version', 'json', ...view(collection).declared].map((column) => `${quoted(column)} = ?`);
  // OR IGNORE: a unique value that is taken leaves the row as it is.
  const text = `UPDATE OR IGNORE ${table} SET ${assignments.join(', ')} WHERE "row" = ?`;
  const { changes } = prepare(text).run(row.version, row.json, ...row.keys.fields, number);
  if (Number(changes) === 0) return 'duplicate';
  prepare(`DELETE FROM ${elementsTable(collection)} WHERE "row" = ?`).run(number);
  insertElements({ prepare }, collection, number, row);
  return 'replaced';
}

function insertElements(
  { prepare }: Pick<Context, 'prepare'>,
  collection: string,
  number: number | bigint,
  row: Row,
): void {
  const statement = prepare(`INSERT INTO ${elementsTable(collection)} ("field", "key", "row") VALUES (?, ?, ?)`);
  for (const { field, key } of row.keys.elements) statement.run(field, key, number);
}

function readForms({ prepare }: Context): Readonly<Record<string, Form>> {
  const rows = prepare('SELECT "collection", "form" FROM "forms"').all();
  return Object.fromEntries(rows.map((row) => [String(row.collection), JSON.parse(String(row.form)) as Form]));
}

function saveForms({ prepare }: Context, forms: Readonly<Record<string, Form>>): null {
  const statement = prepare('INSERT OR REPLACE INTO "forms" ("collection", "form") VALUES (?, ?)');
  for (const [collection, form] of Object.entries(forms)) statement.run(collection, JSON.stringify(form));
  return null;
}

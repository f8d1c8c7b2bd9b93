import type { Document, Draft } from '../model/document.ts';

/**
 * The narrow interface that SQLite and MongoDB both keep. No transactions, no change streams, no TTL: one document is
 * the unit, and `update` by version is the only way to change one.
 */

export type Scalar = string | number | boolean | null;

/** Only on fields that the collection declares as `indexes`. */
export interface Range {
  readonly gt?: string | number;
  readonly gte?: string | number;
  readonly lt?: string | number;
  readonly lte?: string | number;
}

/**
 * Dotted path -> condition; all must hold. A scalar matches an equal value, or an array that holds it; `null` matches a
 * missing value too.
 */
export type Filter = Readonly<Record<string, Scalar | { readonly in: readonly Scalar[] } | Range>>;

export interface Query {
  readonly where?: Filter;
  /** A declared index field, `createdAt`, or `id`; ties are broken by id. Default: id, ascending. */
  readonly sort?: { readonly field: string; readonly order: 'asc' | 'desc' };
  /** 1..10,000; default 1,000. */
  readonly limit?: number;
  readonly skip?: number;
  /** The `next` of the page before; goes with the same `where` and `sort`. */
  readonly after?: string;
}

export interface Page<T> {
  readonly items: readonly T[];
  /** Cursor of the next page, if there is one. */
  readonly next?: string;
}

export type InsertResult<T> = { readonly ok: true; readonly document: T } | Duplicate;

export type UpdateResult<T> =
  | { readonly ok: true; readonly document: T }
  /** The version is no longer current, or the document is gone. */
  | { readonly ok: false; readonly reason: 'conflict' }
  | Duplicate;

/** Another document has the same value in a unique field (or the same id). */
export interface Duplicate {
  readonly ok: false;
  readonly reason: 'duplicate';
}

/** One kind of document. Every promise settles after the write is durable; a fault of the store rejects it. */
export interface Collection<T extends Document> {
  insert(draft: Draft<T>): Promise<InsertResult<T>>;
  get(id: string): Promise<T | undefined>;
  find(query: Query): Promise<Page<T>>;
  count(where?: Filter): Promise<number>;
  /** Writes `document` where the stored version equals `document.version`; answers with the new version in it. */
  update(document: T): Promise<UpdateResult<T>>;
  /** With `version`: only if it is current. Answers whether a document was deleted. */
  delete(id: string, version?: number): Promise<boolean>;
  /** Deletes all that match; answers how many. For sweeps. */
  deleteWhere(where: Filter): Promise<number>;
}

/** What a collection declares; both adapters make their indexes from it. */
export interface CollectionSpec {
  readonly schemaVersion: number;
  /** Fields that must be unique. Every document has all of them (no missing value). */
  readonly unique: readonly string[];
  /** Fields with an index: only these may be ranged over or sorted by. */
  readonly indexes: readonly string[];
  /** Documents are read far more often than they change: an adapter may keep them parsed. They are frozen then. */
  readonly readOften?: boolean;
}

/** Every collection of the product by name: see collections.ts. */
export type Collections<Documents extends { readonly [Name in keyof Documents]: Document }> = {
  readonly [Name in keyof Documents]: Collection<Documents[Name]>;
};

import type { Document } from '../model/document.ts';
import type { Filter, Scalar } from './repository.ts';

/** A query with everything checked and filled in. */
export interface PlainQuery {
  readonly where: Filter;
  /** Ties are broken by id, in the same direction. */
  readonly sort: { readonly field: string; readonly order: 'asc' | 'desc' };
  readonly limit: number;
  readonly skip: number;
  /** Only what comes after this document: its value in the sort field, and its id. */
  readonly after?: { readonly value: Scalar; readonly id: string };
}

/** What the documents of a collection look like where they are stored. */
export interface Form {
  readonly schemaVersion: number;
  /** The declared fields, by which the stored index keys were made. */
  readonly declared: readonly string[];
}

/**
 * What an adapter does. Documents are whole, normalised and stamped, queries are checked: collection.ts sees to that
 * once for all adapters. A write is durable when its promise resolves.
 */
export interface Backend {
  /** False: its id, or the value of a unique field, is taken. */
  insert(collection: string, document: Document): Promise<boolean>;
  get(collection: string, id: string): Promise<Document | undefined>;
  find(collection: string, query: PlainQuery): Promise<Document[]>;
  count(collection: string, where: Filter): Promise<number>;
  /** Replaces the document with this id where its stored version is `expected`. */
  replace(collection: string, document: Document, expected: number): Promise<'replaced' | 'conflict' | 'duplicate'>;
  delete(collection: string, id: string, version?: number): Promise<boolean>;
  deleteWhere(collection: string, where: Filter): Promise<number>;
  /** The forms that were saved last, by collection; none in a new store. */
  forms(): Promise<Readonly<Record<string, Form>>>;
  saveForms(forms: Readonly<Record<string, Form>>): Promise<void>;
  ping(): Promise<void>;
  close(): Promise<void>;
}

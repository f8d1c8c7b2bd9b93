import type { CollectionSpec, Filter } from '../repository.ts';
import type { Form, PlainQuery } from '../backend.ts';
import type { IndexKeys } from './keys.ts';

/**
 * What crosses between the main thread and the worker. Documents cross as JSON text: it is what is stored, and cheaper
 * to hand over than an object.
 */

export interface WorkerSetup {
  readonly path: string;
  readonly readOnly: boolean;
  readonly specs: Readonly<Record<string, CollectionSpec>>;
}

/** A document and the keys by which it is found. */
export interface Row {
  readonly id: string;
  readonly version: number;
  readonly json: string;
  readonly keys: IndexKeys;
}

export type Write =
  | { readonly op: 'insert'; readonly collection: string; readonly row: Row }
  | { readonly op: 'replace'; readonly collection: string; readonly row: Row; readonly expected: number }
  | { readonly op: 'delete'; readonly collection: string; readonly id: string; readonly version?: number | undefined }
  | { readonly op: 'deleteWhere'; readonly collection: string; readonly where: Filter }
  | { readonly op: 'saveForms'; readonly forms: Readonly<Record<string, Form>> };

export type Read =
  | { readonly op: 'get'; readonly collection: string; readonly id: string }
  | { readonly op: 'find'; readonly collection: string; readonly query: PlainQuery }
  | { readonly op: 'count'; readonly collection: string; readonly where: Filter }
  | { readonly op: 'forms' };

export type Request = Read | Write;

/** What each operation answers. */
export interface Answers {
  insert: boolean;
  replace: 'replaced' | 'conflict' | 'duplicate';
  delete: boolean;
  deleteWhere: number;
  saveForms: null;
  get: string | null;
  find: readonly string[];
  count: number;
  forms: Readonly<Record<string, Form>>;
}

export type Answer = Answers[Request['op']];

/** An error in a form that can cross: what a RackwrightError is made of. */
export interface Fault {
  readonly code: string;
  readonly message: string;
  readonly retryable: boolean;
}

export type Outcome = { readonly ok: true; readonly answer: Answer } | { readonly ok: false; readonly fault: Fault };

/** The worker's first message says whether the database could be opened; each later one answers a batch, in order. */
export type Opened = { readonly ok: true } | { readonly ok: false; readonly fault: Fault };

/** Whether the request changes anything. */
export function isWrite(request: Request): request is Write {
  return !['get', 'find', 'count', 'forms'].includes(request.op);
}

import { InputError } from '../../errors.ts';
import type { Log } from '../../log.ts';
import type { Document } from '../../model/document.ts';
import { assembleStore } from '../assemble.ts';
import type { Backend } from '../backend.ts';
import { collectionSpecs, type Documents, type OpenStore } from '../collections.ts';
import { migrations } from '../migrations/index.ts';
import { declaredFields } from '../query.ts';
import type { CollectionSpec } from '../repository.ts';
import { createDocumentCache } from './document-cache.ts';
import { keysOf } from './keys.ts';
import { openLane, type Lane } from './lane.ts';
import type { Row } from './protocol.ts';

const maxBytes = 16 * 1024 * 1024;

/** Nodes and lookups of some 10,000 machines. */
const cachedCharacters = 16 * 1024 * 1024;

export interface SqliteOptions {
  /** The file, made if it is missing; `:memory:` for a store that ends with its closing. */
  readonly path: string;
  readonly log?: Log;
  /** For the stamps of documents. */
  readonly now?: () => Date;
}

/**
 * Opens the embedded store. A write is on the disk when its promise resolves (WAL, synchronous FULL); all that arrive
 * while a commit is under way share the next one. Throws RackwrightError, which names the file and says what to do:
 * `store-corrupt`, `store-open`, `store-newer`, `store-busy` and others of `faults.ts`.
 */
export async function openSqliteStore({ path, log, now }: SqliteOptions): Promise<OpenStore> {
  const backend = await openSqliteBackend({ path, specs: collectionSpecs });
  return assembleStore<Documents>({ backend, specs: collectionSpecs, migrations, now, log });
}

/** The adapter alone, for any set of collections. */
export async function openSqliteBackend({
  path,
  specs,
}: {
  readonly path: string;
  readonly specs: Readonly<Record<string, CollectionSpec>>;
}): Promise<Backend> {
  const writer = await openLane({ path, specs, readOnly: false });
  // Reads have a connection and thread of their own: a long list delays no lease. A store in memory has one connection.
  const reader = path === ':memory:' ? writer : await openReader(writer, path, specs);
  return createBackend(writer, reader, specs);
}

async function openReader(writer: Lane, path: string, specs: Readonly<Record<string, CollectionSpec>>): Promise<Lane> {
  try {
    return await openLane({ path, specs, readOnly: true });
  } catch (error) {
    await writer.close();
    throw error;
  }
}

function createBackend(writer: Lane, reader: Lane, specs: Readonly<Record<string, CollectionSpec>>): Backend {
  const declared = new Map(Object.entries(specs).map(([name, spec]) => [name, declaredFields(spec)]));
  const cached = createDocumentCache(cachedCharacters);
  const parserOf = (collection: string) => (specs[collection]?.readOften === true ? cached : parse);
  const rowOf = (collection: string, document: Document): Row => {
    const json = JSON.stringify(document);
    // MongoDB's limit, kept here too: a store that is moved there later must fit.
    if (Buffer.byteLength(json) > maxBytes) throw new InputError('document', 'must not be larger than 16 MiB');
    const { id, version } = document;
    return { id, version, json, keys: keysOf(document, declared.get(collection) ?? []) };
  };
  return {
    insert: (collection, document) => writer.send({ op: 'insert', collection, row: rowOf(collection, document) }),
    replace: (collection, document, expected) =>
      writer.send({ op: 'replace', collection, row: rowOf(collection, document), expected }),
    delete: (collection, id, version) => writer.send({ op: 'delete', collection, id, version }),
    deleteWhere: (collection, where) => writer.send({ op: 'deleteWhere', collection, where }),
    get: async (collection, id) => {
      const json = await reader.send({ op: 'get', collection, id });
      return json === null ? undefined : parserOf(collection)(json);
    },
    find: async (collection, query) => {
      const found = await reader.send({ op: 'find', collection, query });
      return found.map(parserOf(collection));
    },
    count: (collection, where) => reader.send({ op: 'count', collection, where }),
    forms: () => reader.send({ op: 'forms' }),
    saveForms: async (forms) => {
      await writer.send({ op: 'saveForms', forms });
    },
    ping: async () => {
      // Both ways: a writer that died must show.
      await Promise.all([writer.send({ op: 'forms' }), reader.send({ op: 'forms' })]);
    },
    close: async () => {
      await reader.close();
      await writer.close();
    },
  };
}

function parse(json: string): Document {
  return JSON.parse(json) as Document;
}

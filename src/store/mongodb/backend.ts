import { BSON, type Collection, type Db, type MongoClient } from 'mongodb';
import { InputError, RackwrightError } from '../../errors.ts';
import type { Document } from '../../model/document.ts';
import type { Backend, Form } from '../backend.ts';
import { faultOf, isDuplicate } from './faults.ts';
import { filterOf, queryFilter, storedField, type Stored } from './filter.ts';

/** MongoDB's limit for one document. */
const maxBytes = 16 * 1024 * 1024;

/** Where the forms of the collections are kept. */
const formsCollection = 'forms';

/** The operations of the store on a connected client. */
export function createBackend(client: MongoClient, db: Db, url: string): Backend {
  const { run, close } = createGate(client, url);
  const on = (name: string): Collection<Stored> => db.collection<Stored>(name);

  return {
    insert: (name, document) =>
      run(async () => {
        try {
          await on(name).insertOne(toStored(document));
          return true;
        } catch (error) {
          if (isDuplicate(error)) return false;
          throw error;
        }
      }),
    get: (name, id) =>
      run(async () => {
        const stored = await on(name).findOne({ _id: { $eq: id } });
        return stored ? fromStored(stored) : undefined;
      }),
    find: (name, query) =>
      run(async () => {
        const direction = query.sort.order === 'asc' ? 1 : -1;
        const cursor = on(name)
          .find(queryFilter(query))
          .sort({ [storedField(query.sort.field)]: direction, _id: direction })
          .skip(query.skip)
          .limit(query.limit);
        return (await cursor.toArray()).map(fromStored);
      }),
    count: (name, where) => run(() => on(name).countDocuments(filterOf(where))),
    replace: (name, document, expected) =>
      run(async () => {
        try {
          const filter = { _id: { $eq: document.id }, version: { $eq: expected } };
          const { matchedCount } = await on(name).replaceOne(filter, toStored(document));
          return matchedCount === 1 ? 'replaced' : 'conflict';
        } catch (error) {
          if (isDuplicate(error)) return 'duplicate';
          throw error;
        }
      }),
    delete: (name, id, version) =>
      run(async () => {
        const filter = { _id: { $eq: id }, ...(version !== undefined && { version: { $eq: version } }) };
        return (await on(name).deleteOne(filter)).deletedCount === 1;
      }),
    deleteWhere: (name, where) => run(async () => (await on(name).deleteMany(filterOf(where))).deletedCount),
    forms: () => run(() => readForms(db)),
    saveForms: (forms) => run(() => saveForms(db, forms)),
    ping: () =>
      run(async () => {
        await db.command({ ping: 1 });
      }),
    close,
  };
}

/** Runs operations, says their faults in our words, and on closing waits for those under way. */
function createGate(
  client: MongoClient,
  url: string,
): { run: <T>(operation: () => Promise<T>) => Promise<T>; close: () => Promise<void> } {
  const underWay = new Set<Promise<unknown>>();
  let closing: Promise<void> | undefined;
  return {
    run: async (operation) => {
      if (closing) throw new RackwrightError('store-closed', 'the store is closed');
      const running = operation();
      underWay.add(running);
      try {
        return await running;
      } catch (error) {
        throw error instanceof RackwrightError ? error : faultOf(error, url);
      } finally {
        underWay.delete(running);
      }
    },
    close: () => {
      closing ??= Promise.allSettled(underWay).then(() => client.close());
      return closing;
    },
  };
}

function toStored({ id, ...fields }: Document): Stored {
  const stored = { _id: id, ...fields };
  if (BSON.calculateObjectSize(stored) > maxBytes) throw new InputError('document', 'must not be larger than 16 MiB');
  return stored;
}

function fromStored({ _id, ...fields }: Stored): Document {
  const document: unknown = { id: _id, ...fields };
  return document as Document;
}

async function readForms(db: Db): Promise<Readonly<Record<string, Form>>> {
  const stored = await db.collection<{ _id: string; form: Form }>(formsCollection).find().toArray();
  return Object.fromEntries(stored.map(({ _id, form }) => [_id, form]));
}

async function saveForms(db: Db, forms: Readonly<Record<string, Form>>): Promise<void> {
  const collection = db.collection<{ _id: string; form: Form }>(formsCollection);
  for (const [name, form] of Object.entries(forms)) {
    try {
      await collection.replaceOne({ _id: name }, { form }, { upsert: true });
    } catch (error) {
      // Another instance that was started together with this one saves the same.
      if (!isDuplicate(error)) throw error;
    }
  }
}

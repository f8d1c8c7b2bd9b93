import { MongoClient, type Db } from 'mongodb';
import { RackwrightError, describeError } from '../../errors.ts';
import type { Log } from '../../log.ts';
import { assembleStore } from '../assemble.ts';
import type { Backend } from '../backend.ts';
import { collectionSpecs, type Documents, type OpenStore } from '../collections.ts';
import { migrations } from '../migrations/index.ts';
import { declaredFields } from '../query.ts';
import type { CollectionSpec } from '../repository.ts';
import { createBackend } from './backend.ts';
import { faultOf, publicUrl } from './faults.ts';

/** Milliseconds until a server that does not answer is given up: at opening, and for each request. */
const serverSelectionTimeoutMS = 5000;
/** Milliseconds without a byte after which a request on an open connection is given up. */
const socketTimeoutMS = 20_000;

export interface MongoOptions {
  /** `mongodb://` or `mongodb+srv://`. Its options are the driver's, but time limits and write concern are ours. */
  readonly url: string;
  readonly database: string;
  readonly log?: Log;
  /** For the stamps of documents. */
  readonly now?: () => Date;
}

/**
 * Opens the store in a MongoDB (5.0 or newer) that equal instances may share. A write is in the journal of a majority
 * when its promise resolves. Throws RackwrightError: `store-unreachable` (retryable), `store-auth`, `store-url`,
 * `store-newer`. No message holds the URL's user or password.
 */
export async function openMongoStore({ url, database, log, now }: MongoOptions): Promise<OpenStore> {
  const backend = await openMongoBackend({ url, database, specs: collectionSpecs, ...(log && { log }) });
  return assembleStore<Documents>({ backend, specs: collectionSpecs, migrations, now, log });
}

/** The adapter alone, for any set of collections. */
export async function openMongoBackend({
  url,
  database,
  specs,
  log,
}: {
  readonly url: string;
  readonly database: string;
  readonly specs: Readonly<Record<string, CollectionSpec>>;
  readonly log?: Log;
}): Promise<Backend> {
  const client = createClient(url);
  client.on('serverHeartbeatFailed', ({ failure }) => {
    log?.warn(
      { event: 'store.unreachable', url: publicUrl(url), error: describeError(failure) },
      'MongoDB does not answer',
    );
  });
  try {
    const db = client.db(database);
    await db.command({ ping: 1 });
    await createIndexes(db, specs);
    return createBackend(client, db, url);
  } catch (error) {
    await client.close();
    throw faultOf(error, url);
  }
}

function createClient(url: string): MongoClient {
  try {
    return new MongoClient(url, {
      appName: 'rackwright',
      serverSelectionTimeoutMS,
      connectTimeoutMS: serverSelectionTimeoutMS,
      socketTimeoutMS,
      writeConcern: { w: 'majority', journal: true },
    });
  } catch (error) {
    // Not as the cause: the driver's message quotes the URL with its password.
    const detail = describeError(error).replaceAll(url, publicUrl(url));
    throw new RackwrightError('store-url', `the MongoDB URL ${publicUrl(url)} cannot be used: ${detail}`);
  }
}

async function createIndexes(db: Db, specs: Readonly<Record<string, CollectionSpec>>): Promise<void> {
  await Promise.all(
    Object.entries(specs).map(([name, spec]) =>
      db
        .collection(name)
        .createIndexes(
          declaredFields(spec).map((field) =>
            spec.unique.includes(field) ? { key: { [field]: 1 }, unique: true } : { key: { [field]: 1, _id: 1 } },
          ),
        ),
    ),
  );
}

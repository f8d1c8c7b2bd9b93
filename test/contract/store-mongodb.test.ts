import { jest } from '@jest/globals';
import { openMongoBackend } from '../../src/store/mongodb/store.ts';
import { freshDatabase, startMongo, type MongoServer } from '../support/mongo.ts';
import { openThings, thingSpecs, type OpenThings } from '../support/things.ts';
import { describeStore } from './store-suite.ts';
import { describeUpgrade } from './store-upgrade-suite.ts';

// Real files and processes on a machine that may be busy.
jest.setTimeout(120_000);

let server: MongoServer;
let database: string;
beforeAll(async () => {
  server = await startMongo();
});
afterAll(async () => {
  await server.stop();
});

async function open(): Promise<OpenThings> {
  return openThings(await openMongoBackend({ url: server.url, database, specs: thingSpecs }));
}

describeStore('MongoDB', {
  create: () => {
    database = freshDatabase();
    return open();
  },
  join: open,
});

describeUpgrade('MongoDB', () => {
  const name = freshDatabase();
  return async (specs, migrations) =>
    openThings(await openMongoBackend({ url: server.url, database: name, specs }), { specs, migrations });
});

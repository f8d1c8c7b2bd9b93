import { openMongoBackend } from '../../src/store/mongodb/store.ts';
import { freshDatabase, startMongo, type MongoServer } from '../support/mongo.ts';
import { openThings, thingSpecs, type OpenThings } from '../support/things.ts';
import { describeStore } from './store-suite.ts';

let server: MongoServer;
let database: string;
beforeAll(async () => {
  server = await startMongo();
}, 120_000);
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

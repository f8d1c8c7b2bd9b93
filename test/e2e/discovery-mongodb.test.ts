import { MongoClient } from 'mongodb';
import type { Rack } from '../support/e2e.ts';
import { discoveryDeadlineMs, openRack } from '../support/e2e.ts';
import type { MongoServer } from '../support/mongo.ts';
import { freshDatabase, startMongo } from '../support/mongo.ts';

const database = freshDatabase();
let mongo: MongoServer;
let rack: Rack;

beforeAll(async () => {
  mongo = await startMongo();
  const url = new URL(mongo.url);
  url.pathname = database;
  rack = await openRack('rwt-mongo', { nodes: ['uefi'], store: 'mongodb', mongodbUrl: url.href });
}, 180_000);

afterAll(async () => {
  await rack.close();
  const client = new MongoClient(mongo.url);
  await client.db(database).dropDatabase();
  await client.close();
  await mongo.stop();
}, 90_000);

it(
  'a server that keeps its documents in MongoDB discovers a node, also across a restart',
  async () => {
    await rack.powerOn(1);
    await rack.fact(1, 'agent.session');
    await rack.lab.server?.stop();
    await rack.lab.server?.start();
    const { id, summary } = await rack.discovered(1);
    expect(summary.serial).toBe(rack.lab.node(1).machine.identity.serial);
    expect(await rack.get(`/nodes/${id}/power`)).toEqual({ power: 'on' });
    expect(await documents('nodes', id)).toMatchObject([{ state: { name: 'discovered' } }]);
    expect(await documents('catalogs')).toHaveLength(11);
    expect(await documents('runs')).toMatchObject([{ state: 'succeeded' }]);
  },
  discoveryDeadlineMs + 60_000,
);

/** What is in MongoDB itself, whatever the server says. */
async function documents(collection: string, id?: string): Promise<object[]> {
  const client = new MongoClient(mongo.url);
  try {
    const where = id === undefined ? {} : { _id: id };
    return await client.db(database).collection<{ _id: string }>(collection).find(where).toArray();
  } finally {
    await client.close();
  }
}

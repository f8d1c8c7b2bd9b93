import type { DecidedFact, OutboxItem } from '../../src/model/run.ts';
import type { OpenStore } from '../../src/store/collections.ts';
import { openSqliteStore } from '../../src/store/sqlite/store.ts';
import { createPublisher } from '../../src/workflows/publisher.ts';

let opened: OpenStore;
const told: DecidedFact[] = [];
const life = { failing: false };

beforeEach(async () => {
  opened = await openSqliteStore({ path: ':memory:' });
  told.length = 0;
  await opened.store.nodes.insert({
    id: 'n1',
    name: 'n1',
    type: 'compute',
    identifiers: [],
    state: { name: 'new', since: '2026-01-01T00:00:00.000Z' },
    summary: {},
    tags: [],
    relations: [],
    autoDiscover: false,
  });
});
afterEach(() => opened.close());

const open = () =>
  createPublisher({
    store: opened.store,
    now: () => new Date('2026-01-01T00:00:01.000Z'),
    append: (facts) => {
      if (life.failing) return Promise.reject(new Error('the store is away'));
      told.push(...facts);
      return Promise.resolve();
    },
  });
const discover: OutboxItem = { id: 'r1/2', seq: 2, kind: 'node-event', nodeId: 'n1', event: 'discover' };

describe('publishing', () => {
  it('moves the node and tells it, under an id that the event gives', async () => {
    await open().publish('r1', [discover]);
    expect((await opened.store.nodes.get('n1'))?.state).toMatchObject({ name: 'discovering', runId: 'r1' });
    expect(told).toMatchObject([
      { id: 'r1/2/state', kind: 'node.state', text: 'the node is now discovering', nodeId: 'n1' },
    ]);
  });

  it('cut off between the two, it is made up for by the next time', async () => {
    life.failing = true;
    await expect(open().publish('r1', [discover])).rejects.toThrow('away');
    life.failing = false;
    expect((await opened.store.nodes.get('n1'))?.state.name).toBe('discovering');
    await open().publish('r1', [discover]);
    expect(told.map(({ id }) => id)).toEqual(['r1/2/state']);
  });

  it('says nothing of an event that came too late, or whose node is gone', async () => {
    await open().publish('r1', [
      { ...discover, event: 'succeed' },
      { ...discover, nodeId: 'gone' },
    ]);
    expect(told).toEqual([]);
    expect((await opened.store.nodes.get('n1'))?.state.name).toBe('new');
  });
});

import { request } from 'node:http';
import { addNode, startWorld, type ApiWorld } from '../world.ts';
import type { NewFact } from '../../../src/model/fact.ts';

let world: ApiWorld;
beforeEach(async () => {
  world = await startWorld();
});
afterEach(async () => {
  await world.close();
});

interface Seen {
  readonly id: string;
  readonly text: string;
}

/** Follows `/events` until `count` came. */
function follow(path: string, count: number, headers: Record<string, string> = {}): Promise<Seen[]> {
  return new Promise((resolve, reject) => {
    let buffer = '';
    const asked = request(world.url + path, { headers, agent: false }, (response) => {
      if (response.statusCode !== 200) reject(new Error(`status ${response.statusCode}`));
      response.on('data', (chunk: Buffer) => {
        buffer += chunk.toString();
        const events = readEvents(buffer);
        if (events.length < count) return;
        asked.destroy();
        resolve(events);
      });
    });
    asked.on('error', reject);
    asked.end();
  });
}

function readEvents(text: string): Seen[] {
  return text
    .split('\n\n')
    .slice(0, -1)
    .flatMap((block) => {
      const id = /^id: (.*)$/m.exec(block)?.[1];
      const data = /^data: (.*)$/m.exec(block)?.[1];
      return id === undefined || data === undefined ? [] : [{ id, text: (JSON.parse(data) as { text: string }).text }];
    });
}

const fact = (text: string, more: Partial<NewFact> = {}): NewFact => ({ kind: 'run.task', how: 'self', text, ...more });

async function store(...facts: NewFact[]): Promise<void> {
  facts.forEach(world.facts.record);
  await world.facts.flush();
}

const texts = (events: Seen[]): string[] => events.map(({ text }) => text);

test('what is kept comes first, in order, then what happens, each fact once', async () => {
  await store(fact('1'), fact('2'), fact('3'));
  const seen = follow('/events?from=start', 6);
  await store(fact('4'));
  await store(fact('5'), fact('6'));
  const events = await seen;
  expect(texts(events)).toEqual(['1', '2', '3', '4', '5', '6']);
  expect(events.map(({ id }) => id)).toEqual(events.map(({ id }) => id).toSorted());
});

test('a client that comes back misses nothing', async () => {
  await store(...['1', '2', '3', '4'].map((text) => fact(text)));
  const first = await follow('/events?from=start', 2);
  const last = first[1]!.id;
  expect(texts(await follow('/events', 2, { 'last-event-id': last }))).toEqual(['3', '4']);
  expect(texts(await follow(`/events?from=${last}`, 2))).toEqual(['3', '4']);
});

test('what a client saw last wins over where it began', async () => {
  await store(...['1', '2', '3'].map((text) => fact(text)));
  const first = await follow('/events?from=start', 2);
  expect(texts(await follow('/events?from=start', 1, { 'last-event-id': first[1]!.id }))).toEqual(['3']);
});

test('only the kinds that are asked for', async () => {
  await store(fact('1'), fact('2', { kind: 'node.state' }), fact('3', { kind: 'bmc.failed' }), fact('4'));
  expect(texts(await follow('/events?from=start&kind=node.state&kind=bmc.failed', 2))).toEqual(['2', '3']);
  expect(texts(await follow('/events?from=start&kind=run.task', 2))).toEqual(['1', '4']);
});

test("a node's are found by its id, MACs and UUID; another node's never", async () => {
  const uuid = '4c4c4544-0051-3610-8052-b4c04f4d3232';
  const mac = '52:54:00:00:00:01';
  const node = await addNode(world.store, { name: 'web-1', identifiers: [mac], uuid });
  await store(
    fact('id', { nodeId: node.id }),
    fact('mac', { mac, how: 'packet' }),
    fact('uuid', { uuid, how: 'packet' }),
    fact('another node', { nodeId: '5f0000000000000000000000', mac }),
    fact('another mac', { mac: '52:54:00:00:00:02' }),
    fact('nobody'),
    fact('last', { nodeId: node.id }),
  );
  expect(texts(await follow('/events?from=start&node=web-1', 4))).toEqual(['id', 'mac', 'uuid', 'last']);
});

test('a machine that is no node yet is followed by its MAC', async () => {
  const mac = '52:54:00:00:00:77';
  await store(fact('1', { mac }), fact('2', { mac: '52:54:00:00:00:78' }), fact('3', { mac }));
  expect(texts(await follow(`/events?from=start&node=${mac}`, 2))).toEqual(['1', '3']);
});

test.each([
  ['?kind=no.such', {}, 400],
  ['?from=yesterday', {}, 400],
  ['?colour=blue', {}, 400],
  ['', { 'last-event-id': '../../x' }, 400],
  ['?node=nobody', {}, 404],
])('/events%s with %j is %d', async (query, headers, expected) => {
  await expect(follow(`/events${query}`, 1, headers)).rejects.toThrow(`status ${expected}`);
});

test('an empty Last-Event-ID is none', async () => {
  await store(fact('1'));
  expect(texts(await follow('/events?from=start', 1, { 'last-event-id': '' }))).toEqual(['1']);
});

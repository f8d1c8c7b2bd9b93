import fc from 'fast-check';
import { boundFact, printable } from '../../src/events/bound.ts';
import { createFactIds, decidedFactId } from '../../src/events/fact-id.ts';
import { createFactLog, type FactLogDeps } from '../../src/events/log.ts';
import { createLog } from '../../src/log.ts';
import type { Fact, NewFact } from '../../src/model/fact.ts';
import type { OpenStore, Store } from '../../src/store/collections.ts';
import { openSqliteStore } from '../../src/store/sqlite/store.ts';

const log = createLog('silent');
const mac = '52:54:00:77:01:00';
let open: OpenStore;
let clock = new Date('2026-03-01T12:00:00.000Z');
const now = (): Date => clock;
const later = (ms: number): void => {
  clock = new Date(clock.getTime() + ms);
};

beforeEach(async () => {
  clock = new Date('2026-03-01T12:00:00.000Z');
  open = await openSqliteStore({ path: ':memory:', now });
});
afterEach(async () => {
  await open.close();
});

function seen(text: string, more: Partial<NewFact> = {}): NewFact & { at: string } {
  return { kind: 'dhcp.discover', how: 'packet', text, mac, at: clock.toISOString(), ...more };
}

async function withLog<T>(deps: Partial<FactLogDeps>, use: (facts: ReturnType<typeof createFactLog>) => Promise<T>) {
  const facts = createFactLog({ store: open.store, now, log, ...deps });
  try {
    return await use(facts);
  } finally {
    await facts.stop();
  }
}

const texts = (facts: readonly Fact[]): string[] => facts.map((fact) => fact.text);

/** A store whose facts can be made to fail. */
function failing(broken: () => boolean): Store {
  const facts: Store['facts'] = {
    ...open.store.facts,
    insert: (draft) => (broken() ? Promise.reject(new Error('disk full')) : open.store.facts.insert(draft)),
  };
  return { ...open.store, facts };
}

describe('observed facts', () => {
  test('are written in the order of recording, with the time of recording', async () => {
    await withLog({}, async (facts) => {
      for (let i = 0; i < 1_200; i += 1) {
        facts.record(seen(`fact ${i}`));
        later(1);
      }
      await facts.flush();
      const first = await facts.since('');
      const rest = await facts.since(first.at(-1)?.id ?? '');
      expect(texts([...first, ...rest])).toEqual(Array.from({ length: 1_200 }, (_, i) => `fact ${i}`));
      expect(first[0]?.at).toBe('2026-03-01T12:00:00.000Z');
      expect(rest.at(-1)?.at).toBe('2026-03-01T12:00:01.199Z');
    });
  });

  test('over the limit of the queue are dropped, counted, and told', async () => {
    await withLog({ queueLimit: 100 }, async (facts) => {
      for (let i = 0; i < 250; i += 1) facts.record(seen(`fact ${i}`));
      expect(facts.stats()).toEqual({ queued: 100, dropped: 150 });
      await facts.flush();
      const kept = await facts.since('');
      expect(kept).toHaveLength(101);
      expect(kept.at(-1)).toMatchObject({ kind: 'facts.dropped', how: 'self', data: { lost: 150 } });
    });
  });

  test('wait for a store that fails, and are each written once', async () => {
    let left = 2;
    await withLog({ store: failing(() => left-- > 0) }, async (facts) => {
      for (let i = 0; i < 5; i += 1) facts.record(seen(`fact ${i}`));
      await facts.flush();
      expect(new Set(texts(await facts.since('')))).toEqual(
        new Set(['fact 0', 'fact 1', 'fact 2', 'fact 3', 'fact 4']),
      );
      expect(facts.stats()).toEqual({ queued: 0, dropped: 0 });
    });
  });

  test('do not keep a server from stopping when the store is gone for good', async () => {
    const facts = createFactLog({ store: failing(() => true), now, log });
    facts.record(seen('lost'));
    await facts.stop();
    facts.record(seen('too late'));
    expect(facts.stats()).toEqual({ queued: 0, dropped: 2 });
  });

  test('never fail for what hostile clients sent', async () => {
    await withLog({}, async (facts) => {
      const before = facts.stats().dropped;
      const values = fc.sample(
        fc.dictionary(fc.string(), fc.anything({ withNullPrototype: true, withBigInt: true })),
        100,
      );
      for (const data of values) facts.record(seen('hostile', { data }));
      facts.record(seen('keys', { data: { $where: 1, 'a.b': 2, __proto__: null, 'x\u0000y': 3 } }));
      await facts.flush();
      expect(await open.store.facts.count()).toBe(101);
      expect(facts.stats().dropped).toBe(before);
    });
  });
});

describe('decided facts', () => {
  const decided = {
    ...seen('decided', { kind: 'run.started', how: 'self' }),
    id: 'run-7/1',
    at: '2026-03-01T11:59:58.000Z',
  };

  test('are durable when append resolves, and one fact however often they are published', async () => {
    await withLog({}, async (facts) => {
      await facts.append([decided]);
      later(60_000);
      await facts.append([decided, seen('other')]);
      const all = await facts.since('');
      expect(texts(all)).toEqual(['decided', 'other']);
      expect(all[0]?.at).toBe(decided.at);
    });
    await withLog({}, async (facts) => {
      await facts.append([decided]);
      expect(await open.store.facts.count()).toBe(2);
    });
  });

  test('reject when the store fails', async () => {
    await withLog({ store: failing(() => true) }, async (facts) => {
      await expect(facts.append([decided])).rejects.toMatchObject({ code: 'facts-unwritten', retryable: true });
    });
  });

  test('written late are still found by a follower who has later ones', async () => {
    await withLog({}, async (facts) => {
      facts.record(seen('seen after it was decided'));
      await facts.flush();
      const cursor = (await facts.since('')).at(-1)?.id ?? '';
      await facts.append([decided]);
      expect(texts(await facts.since(cursor))).toEqual(['decided']);
    });
  });
});

describe('followers', () => {
  test('get what they missed, then what comes, each once', async () => {
    await withLog({}, async (facts) => {
      for (let i = 0; i < 5; i += 1) facts.record(seen(`fact ${i}`));
      await facts.flush();
      const cursor = (await facts.since(''))[1]?.id ?? '';
      const stop = new AbortController();
      const got: string[] = [];
      for await (const news of facts.follow({ cursor, signal: stop.signal })) {
        got.push(...texts(news));
        if (got.length === 3) facts.record(seen('live'));
        if (got.includes('live')) stop.abort();
      }
      expect(got).toEqual(['fact 2', 'fact 3', 'fact 4', 'live']);
    });
  });

  test('without a cursor get only what comes', async () => {
    await withLog({}, async (facts) => {
      await facts.append([seen('old')]);
      const stop = new AbortController();
      const stream = facts.follow({ signal: stop.signal });
      const next = stream.next();
      await facts.append([seen('new')]);
      expect(texts((await next).value as Fact[])).toEqual(['new']);
      stop.abort();
      expect(await stream.next()).toEqual({ done: true, value: undefined });
    });
  });

  test('that are too slow are let go, and cost no memory', async () => {
    await withLog({}, async (facts) => {
      const stream = facts.follow({ signal: new AbortController().signal, limit: 10 });
      const first = stream.next();
      await facts.append([seen('first')]);
      await first;
      for (let i = 0; i < 11; i += 1) await facts.append([seen(`fact ${i}`)]);
      expect(texts((await stream.next()).value as Fact[])).toHaveLength(10);
      expect((await stream.next()).done).toBe(true);
    });
  });

  test('that fail disturb nobody', async () => {
    await withLog({}, async (facts) => {
      const got: string[] = [];
      facts.subscribe(() => {
        throw new Error('bad listener');
      });
      const unsubscribe = facts.subscribe((news) => got.push(...texts(news)));
      await facts.append([seen('one')]);
      unsubscribe();
      await facts.append([seen('two')]);
      expect(got).toEqual(['one']);
    });
  });
});

describe('limits', () => {
  test('by age and by number, oldest first', async () => {
    await withLog({ limits: { facts: 20, days: 1 } }, async (facts) => {
      await facts.append([seen('ancient', { nodeId: 'n' })]);
      later(2 * 86_400_000);
      for (let i = 0; i < 30; i += 1) {
        await facts.append([seen(`fact ${i}`, { nodeId: 'n' })]);
        later(1);
      }
      expect(await facts.sweep()).toBe(11);
      expect(texts(await open.store.facts.find({}).then((page) => page.items))).toEqual(
        Array.from({ length: 20 }, (_, i) => `fact ${i + 10}`),
      );
    });
  });

  test('strangers push out strangers, never a node, nor what a node did before it was known', async () => {
    const invented = (i: number): string =>
      `02:00:00:00:${(i >> 8).toString(16).padStart(2, '0')}:${(i & 255).toString(16).padStart(2, '0')}`;
    const flood = (facts: ReturnType<typeof createFactLog>, from: number): void => {
      for (let i = from; i < from + 40; i += 1) {
        // Every second one is what we answered.
        facts.record(seen(`stranger ${i}`, { mac: invented(i), how: i % 2 === 0 ? 'packet' : 'self' }));
      }
    };
    const remaining = async (): Promise<string[]> => texts((await open.store.facts.find({})).items);
    await withLog({ limits: { strangers: 30 } }, async (facts) => {
      facts.record(seen('before enrolment'));
      facts.record({ kind: 'tftp.read', how: 'packet', text: 'by address', address: '172.31.128.10' });
      facts.record({ kind: 'tftp.read', how: 'packet', text: 'unknown address', address: '172.31.128.99' });
      await facts.flush();
      await open.store.lookups.insert({ macAddress: mac, node: 'n' });
      await open.store.leases.insert({
        subnet: 's',
        address: '172.31.128.10',
        mac,
        clientKey: 'a',
        addressKey: 'b',
        state: 'bound',
        expiresAt: '2026-03-01T13:00:00.000Z',
      });
      flood(facts, 0);
      await facts.flush();
      await facts.sweep();
      expect(await remaining()).toEqual([
        'before enrolment',
        'by address',
        ...Array.from({ length: 30 }, (_, i) => `stranger ${i + 10}`),
      ]);
    });
    // The ring outlives a restart.
    later(1);
    await withLog({ limits: { strangers: 30 } }, async (facts) => {
      flood(facts, 40);
      await facts.flush();
      await facts.sweep();
      expect(await remaining()).toEqual([
        'before enrolment',
        'by address',
        ...Array.from({ length: 30 }, (_, i) => `stranger ${i + 50}`),
      ]);
    });
  });
});

describe('ids', () => {
  test('grow strictly, whatever the clock does', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1e12, max: 1e12 + 50 }), { maxLength: 200 }), (times) => {
        let at = 0;
        const next = createFactIds(() => new Date(times[at++] ?? 1e12));
        const ids = times.map(() => next());
        expect(ids).toEqual([...ids].sort());
        expect(new Set(ids).size).toBe(ids.length);
        for (const id of ids) expect(id).toMatch(/^[0-9a-f]{24}$/);
      }),
    );
  });

  test('of decided facts come from name and time alone', () => {
    const at = '2026-03-01T12:00:00.123Z';
    expect(decidedFactId('a', at)).toBe(decidedFactId('a', at));
    expect(decidedFactId('a', at)).not.toBe(decidedFactId('b', at));
    expect(decidedFactId('a', at)).toMatch(/^69a42a4007b[0-9a-f]{13}$/);
  });
});

describe('bounds', () => {
  test('what obeys no terminal is printable', () => {
    expect(printable('a\u001b[2Jb\r\n\u202ec\u0085')).toBe('a?[2Jb???c?');
    expect(printable('x'.repeat(1000))).toHaveLength(500);
  });

  test('no fact is larger than a few KiB', () => {
    fc.assert(
      fc.property(fc.object({ maxDepth: 6, maxKeys: 50, key: fc.string({ maxLength: 300 }) }), (data) => {
        const fact = boundFact(seen('t', { data }));
        expect(JSON.stringify(fact).length).toBeLessThan(40_000);
      }),
    );
    const huge = boundFact(seen('t', { data: { list: Array(1e6).fill('x'.repeat(600)), more: 'y'.repeat(1e6) } }));
    expect(JSON.stringify(huge).length).toBeLessThan(6_000);
    expect(huge.data?.truncated).toBe(true);
  });

  test('a chain of objects without end is cut', () => {
    const endless: Record<string, unknown> = {};
    endless.self = endless;
    expect(() => JSON.stringify(boundFact(seen('t', { data: endless })))).not.toThrow();
  });
});

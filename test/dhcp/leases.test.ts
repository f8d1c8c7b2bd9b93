import { createLeases, type Leases } from '../../src/dhcp/leases.ts';
import { parseNetwork } from '../../src/net/address.ts';
import type { OpenStore } from '../../src/store/collections.ts';
import { openSqliteStore } from '../../src/store/sqlite/store.ts';
import { makeSubnet } from './subnets.ts';

let opened: OpenStore;
let time: number;
let leases: Leases;
const subnet = makeSubnet();
const a = '52:54:00:00:00:0a';
const b = '52:54:00:00:00:0b';

const instance = (serverAddress = '10.1.0.1') =>
  createLeases({ store: opened.store, now: () => new Date(time), serverAddress });
const pass = (seconds: number) => {
  time += seconds * 1000;
};
const macs = (count: number) =>
  Array.from(
    { length: count },
    (_, i) => `52:54:01:00:${(i >> 8).toString(16).padStart(2, '0')}:${(i & 255).toString(16).padStart(2, '0')}`,
  );
const stored = async () => (await opened.store.leases.find({ sort: { field: 'address', order: 'asc' } })).items;

async function propose(mac: string, requested?: string, from = leases, of = subnet) {
  const outcome = await from.propose(of, mac, requested);
  return outcome.ok ? outcome.address : outcome.reason;
}

async function claim(mac: string, address: string, mode: 'new' | 'restore' | 'known' = 'new', from = leases) {
  const outcome = await from.claim(subnet, { mac }, address, mode);
  return outcome.ok ? outcome.lease.address : outcome.reason;
}

beforeAll(async () => {
  opened = await openSqliteStore({ path: ':memory:' });
});

beforeEach(() => {
  time = Date.parse('2026-01-01T00:00:00Z');
  leases = instance();
});

afterEach(async () => {
  await opened.store.leases.deleteWhere({});
});

afterAll(async () => {
  await opened.close();
});

describe('propose', () => {
  test('stores nothing', async () => {
    expect(await propose(a)).toMatch(/^10\.1\.0\.1\d$/);
    expect(await stored()).toEqual([]);
  });

  test("prefers the client's lease, even one that ran out, to what it asks for", async () => {
    await claim(a, '10.1.0.15');
    pass(10_000);
    expect(await propose(a, '10.1.0.17')).toBe('10.1.0.15');
  });

  test('takes what the client asks for if that is free, and of a pool', async () => {
    expect(await propose(a, '10.1.0.17')).toBe('10.1.0.17');
    await claim(b, '10.1.0.18');
    expect(await propose('52:54:00:00:00:0c', '10.1.0.18')).not.toBe('10.1.0.18');
    expect(await propose('52:54:00:00:00:0d', '10.1.0.99')).toMatch(/^10\.1\.0\.1\d$/);
  });

  test('offers one client the same address again, and others another', async () => {
    const first = await propose(a);
    expect(await propose(a)).toBe(first);
    const others = await Promise.all(macs(9).map((mac) => propose(mac)));
    expect(new Set([first, ...others]).size).toBe(10);
  });

  test('offers held by clients that never come do not exhaust the pool', async () => {
    for (const mac of macs(50)) await propose(mac);
    expect(await propose(a)).toMatch(/^10\.1\.0\.1\d$/);
  });

  test('is the same in every instance for the same client', async () => {
    expect(await propose(a, undefined, instance())).toBe(await propose(a, undefined, instance('10.1.0.2')));
  });

  test('never offers our own address, nor the router', async () => {
    const tight = makeSubnet({ pools: [{ from: '10.1.0.1', to: '10.1.0.3' }], router: '10.1.0.2' });
    const offers = await Promise.all(macs(5).map((mac) => propose(mac, '10.1.0.1', leases, tight)));
    expect(new Set(offers)).toEqual(new Set(['10.1.0.3']));
    expect(await claim(a, '10.1.0.1')).toBe('outside');
  });

  test('goes over several pools', async () => {
    const pools = [
      { from: '10.1.0.10', to: '10.1.0.10' },
      { from: '10.1.0.50', to: '10.1.0.51' },
    ];
    const offers = await Promise.all(macs(3).map((mac) => propose(mac, undefined, leases, makeSubnet({ pools }))));
    expect([...offers].sort()).toEqual(['10.1.0.10', '10.1.0.50', '10.1.0.51']);
  });

  test('finds the one free address of a large pool', async () => {
    const large = makeSubnet({
      network: parseNetwork('10.8.0.0/22'),
      pools: [{ from: '10.8.0.1', to: '10.8.3.232' }],
    });
    for (const [index, mac] of macs(1_000).entries()) {
      if (index === 700) continue;
      await leases.claim(large, { mac }, `10.8.${(index + 1) >> 8}.${(index + 1) & 255}`, 'new');
    }
    expect(await propose(a, undefined, leases, large)).toBe('10.8.2.189');
  });

  test('says that a pool is exhausted, and recovers when an address is free again', async () => {
    for (const [index, mac] of macs(10).entries()) await claim(mac, `10.1.0.${10 + index}`);
    expect(await propose(a)).toBe('exhausted');
    await leases.release(subnet, macs(10)[3]!, '10.1.0.13');
    pass(5);
    expect(await propose(a)).toBe('10.1.0.13');
  });

  test('prefers an address that was never given to one whose lease ran out', async () => {
    const first = await propose(a);
    await claim(b, first);
    pass(10_000);
    expect(await propose(a)).not.toBe(first);
  });
});

describe('claim', () => {
  test('writes who has what until when', async () => {
    const client = { mac: a, uuid: '03020100-0504-0706-0809-0a0b0c0d0e0f', hostname: 'node-1' };
    await leases.claim(subnet, client, '10.1.0.12', 'new');
    expect(await stored()).toMatchObject([
      {
        ...client,
        subnet: '10.1.0.0/24',
        address: '10.1.0.12',
        state: 'bound',
        clientKey: `10.1.0.0/24|${a}`,
        addressKey: '10.1.0.0/24|10.1.0.12',
        expiresAt: '2026-01-01T01:00:00.000Z',
      },
    ]);
  });

  test('prolongs', async () => {
    await claim(a, '10.1.0.12');
    pass(600);
    expect(await claim(a, '10.1.0.12', 'known')).toBe('10.1.0.12');
    expect(await stored()).toMatchObject([{ expiresAt: '2026-01-01T01:10:00.000Z' }]);
  });

  test('of an address that another has is refused, until its lease ran out', async () => {
    await claim(a, '10.1.0.12');
    pass(3599);
    expect(await claim(b, '10.1.0.12')).toBe('taken');
    pass(2);
    expect(await claim(b, '10.1.0.12')).toBe('10.1.0.12');
    expect(await stored()).toMatchObject([{ mac: b }]);
  });

  test('of another address gives the former one back', async () => {
    await claim(a, '10.1.0.12');
    expect(await claim(a, '10.1.0.13')).toBe('10.1.0.13');
    expect(await claim(b, '10.1.0.12')).toBe('10.1.0.12');
  });

  test('of an address whose lease ran out works for a client that has another', async () => {
    await claim(b, '10.1.0.12');
    pass(4000);
    await claim(a, '10.1.0.13');
    expect(await claim(a, '10.1.0.12')).toBe('10.1.0.12');
    expect(await stored()).toHaveLength(1);
  });

  test.each([
    ['known', 'unknown'],
    ['restore', '10.1.0.12'],
    ['new', '10.1.0.12'],
  ] as const)('%s of a client without a record: %s', async (mode, expected) => {
    expect(await claim(a, '10.1.0.12', mode)).toBe(expected);
  });

  test.each([
    ['known', 'other'],
    ['restore', 'other'],
    ['new', '10.1.0.13'],
  ] as const)('%s of another address than the one on record: %s', async (mode, expected) => {
    await claim(a, '10.1.0.12');
    expect(await claim(a, '10.1.0.13', mode)).toBe(expected);
  });

  test('outside of the pools is refused, also for a lease made before the pools changed', async () => {
    expect(await claim(a, '10.1.0.99')).toBe('outside');
    await claim(a, '10.1.0.19');
    const shrunk = makeSubnet({ pools: [{ from: '10.1.0.10', to: '10.1.0.12' }] });
    expect(await leases.claim(shrunk, { mac: a }, '10.1.0.19', 'restore')).toEqual({ ok: false, reason: 'outside' });
  });
});

test('two instances, 200 clients at once, four DISCOVERs of each: no address twice, nobody left out', async () => {
  const many = makeSubnet({ pools: [{ from: '10.1.0.20', to: '10.1.0.229' }] });
  const instances = [instance('10.1.0.1'), instance('10.1.0.2')];
  const boot = async (mac: string, index: number) => {
    for (let attempt = 0; attempt < 20; attempt += 1) {
      const [own, other] = index % 2 === 0 ? instances : [...instances].reverse();
      const [offered] = await Promise.all([own!.propose(many, mac), other!.propose(many, mac)]);
      if (!offered.ok) continue;
      const claims = await Promise.all([
        own!.claim(many, { mac }, offered.address, 'new'),
        other!.claim(many, { mac }, offered.address, 'new'),
      ]);
      if (claims.every((outcome) => outcome.ok)) return offered.address;
      expect(claims.map((outcome) => outcome.ok)).toEqual([false, false]);
    }
    return 'gave up';
  };
  const addresses = await Promise.all(macs(200).map(boot));
  expect(addresses).not.toContain('gave up');
  expect(new Set(addresses).size).toBe(200);
  expect((await stored()).map(({ address }) => address).sort()).toEqual([...addresses].sort());
});

describe('release and decline', () => {
  test('release deletes only the lease of that client and address', async () => {
    await claim(a, '10.1.0.12');
    expect(await leases.release(subnet, b, '10.1.0.12')).toBe(false);
    expect(await leases.release(subnet, a, '10.1.0.13')).toBe(false);
    expect(await stored()).toHaveLength(1);
    expect(await leases.release(subnet, a, '10.1.0.12')).toBe(true);
    expect(await stored()).toEqual([]);
  });

  test('a declined address goes to nobody for ten minutes, and its client gets another', async () => {
    await claim(a, '10.1.0.12');
    expect(await leases.decline(subnet, b, '10.1.0.12')).toBe(false);
    expect(await leases.decline(subnet, a, '10.1.0.12')).toBe(true);
    expect(await stored()).toMatchObject([{ state: 'declined', address: '10.1.0.12' }]);
    const next = await propose(a, '10.1.0.12');
    expect(next).not.toBe('10.1.0.12');
    expect(await claim(a, '10.1.0.12')).toBe('taken');
    expect(await claim(a, next)).toBe(next);
    pass(601);
    expect(await claim(b, '10.1.0.12')).toBe('10.1.0.12');
  });

  test('an offer that was not taken can be offered to others', async () => {
    const offered = await propose(a);
    expect(await propose(b, offered)).not.toBe(offered);
    leases.forget(subnet, a);
    expect(await propose('52:54:00:00:00:0c', offered)).toBe(offered);
  });

  test('an offer lapses after 30 seconds', async () => {
    const offered = await propose(a);
    pass(31);
    expect(await propose(b, offered)).toBe(offered);
  });
});

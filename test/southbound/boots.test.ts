import { openSqliteStore } from '../../src/store/sqlite/store.ts';
import type { OpenStore } from '../../src/store/collections.ts';
import { createBoots, type Boots } from '../../src/southbound/boots.ts';

const mac = '52:54:00:77:01:00';
const uuid = '4c414230-0000-4000-8000-000000000001';
const address = '172.31.128.50';
let open: OpenStore;
let boots: Boots;
let clock: Date;

beforeEach(async () => {
  clock = new Date('2026-01-01T00:00:00Z');
  open = await openSqliteStore({ path: ':memory:' });
  boots = createBoots({ store: open.store, now: () => clock });
});
afterEach(() => open.close());

async function identity() {
  const boot = await boots.begin({ nodeId: 'n1', mac, address, uuid });
  const issued = await boots.issueIdentity(boot.id, address);
  if (!issued.ok) throw new Error(issued.reason);
  return {
    bootId: boot.id,
    secret: issued.secret,
    kernelBootId: 'k1',
    uuid,
    macs: ['00:00:00:00:00:01', mac],
    peer: address,
  };
}

test('identity, exchange, session', async () => {
  const exchanged = await boots.exchange(await identity());
  expect(exchanged).toMatchObject({ ok: true, boot: { nodeId: 'n1', kernelBootId: 'k1' } });
  if (!exchanged.ok) return;
  expect(await boots.session(exchanged.session, address)).toMatchObject({ nodeId: 'n1' });
  expect(await boots.session(exchanged.session, '172.31.128.51')).toBeUndefined();
  expect(await boots.session('0123456789012345678901', address)).toBeUndefined();
});

test('neither secret nor session is stored as it is', async () => {
  const claim = await identity();
  const exchanged = await boots.exchange(claim);
  const stored = JSON.stringify(await open.store.boots.get(claim.bootId));
  expect(stored).not.toContain(claim.secret);
  expect(stored).not.toContain(exchanged.ok ? exchanged.session : '');
});

test('the same kernel may exchange again, and the session before is over', async () => {
  const claim = await identity();
  const [first, second] = [await boots.exchange(claim), await boots.exchange(claim)];
  expect([first.ok, second.ok]).toEqual([true, true]);
  if (!first.ok || !second.ok) return;
  expect(await boots.session(first.session, address)).toBeUndefined();
  expect(await boots.session(second.session, address)).toBeDefined();
});

test.each([
  ['a wrong secret', { secret: 'x'.repeat(43) }, /secret is wrong/],
  ['another address', { peer: '172.31.128.66' }, /came from 172\.31\.128\.66/],
  ['a machine without the NIC', { macs: ['00:00:00:00:00:02'] }, /no interface 52:54/],
  ['a machine with another UUID', { uuid: '4c414230-0000-4000-8000-000000000002' }, /firmware said 4c414230/],
  ['an unknown boot', { bootId: 'nope' }, /no such boot/],
])('%s is refused', async (_, change, reason) => {
  const refused = await boots.exchange({ ...(await identity()), ...change });
  expect(refused).toMatchObject({ ok: false, reason: expect.stringMatching(reason) as string });
});

test('a placeholder UUID is no ground for refusal', async () => {
  const claim = { ...(await identity()), uuid: '03000200-0400-0500-0006-000700080009' };
  expect(await boots.exchange(claim)).toMatchObject({ ok: true });
});

test('a second kernel is refused, and the identity is not delivered again', async () => {
  const claim = await identity();
  await boots.exchange(claim);
  expect(await boots.exchange({ ...claim, kernelBootId: 'k2' })).toMatchObject({
    ok: false,
    reason: /another kernel/ as never,
  });
  expect(await boots.issueIdentity(claim.bootId, address)).toMatchObject({ ok: false });
});

test('of sixteen kernels with one identity, one gets a session', async () => {
  const claim = await identity();
  const results = await Promise.all(
    Array.from({ length: 16 }, (_, i) => boots.exchange({ ...claim, kernelBootId: `k${i}` })),
  );
  expect(results.filter(({ ok }) => ok)).toHaveLength(1);
});

test('the identity goes to the address of the boot only, and not for ever', async () => {
  const boot = await boots.begin({ nodeId: 'n1', mac, address });
  expect(await boots.issueIdentity(boot.id, '172.31.128.99')).toMatchObject({ ok: false });
  clock = new Date(clock.getTime() + 31 * 60_000);
  expect(await boots.issueIdentity(boot.id, address)).toMatchObject({ ok: false });
});

test("a node's newer boot ends the older one's session", async () => {
  const first = await boots.exchange(await identity());
  clock = new Date(clock.getTime() + 60_000);
  const second = await boots.exchange({ ...(await identity()), kernelBootId: 'k2' });
  if (!first.ok || !second.ok) throw new Error('both should be exchanged');
  expect(await boots.session(first.session, address)).toBeUndefined();
  expect(await boots.session(second.session, address)).toBeDefined();
});

test('a script asked for again and again leaves one boot, besides that which runs and those of other addresses', async () => {
  const claim = await identity();
  const running = await boots.exchange(claim);
  const elsewhere = await boots.begin({ nodeId: 'n1', mac, address: '172.31.128.60' });
  let last = '';
  for (let round = 0; round < 20; round += 1) last = (await boots.begin({ nodeId: 'n1', mac, address, uuid })).id;
  const { items } = await open.store.boots.find({ where: { nodeId: 'n1' } });
  expect(items.map(({ id }) => id).sort()).toEqual([claim.bootId, elsewhere.id, last].sort());
  expect(await boots.session(running.ok ? running.session : '', address)).toBeDefined();
});

test('boots that ended are swept', async () => {
  const boot = await boots.begin({ nodeId: 'n1', mac, address });
  clock = new Date(clock.getTime() + 3_600_000);
  await boots.sweep();
  expect(await boots.get(boot.id)).toBeUndefined();
});

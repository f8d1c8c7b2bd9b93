import { jest } from '@jest/globals';
import { createMember, memberExpiryMs } from '../../src/coordination/member.ts';
import { createLog } from '../../src/log.ts';
import type { OpenStore } from '../../src/store/collections.ts';
import { openSqliteStore } from '../../src/store/sqlite/store.ts';

let open: OpenStore;
let clock: Date;
const now = (): Date => clock;
const log = createLog('silent');

beforeEach(async () => {
  clock = new Date('2026-01-01T00:00:00.000Z');
  // Only the heartbeat's timer is ours to move: the store works in real time.
  jest.useFakeTimers({
    doNotFake: ['setTimeout', 'setImmediate', 'nextTick', 'queueMicrotask', 'Date', 'performance', 'hrtime'],
  });
  open = await openSqliteStore({ path: ':memory:' });
});
afterEach(async () => {
  jest.useRealTimers();
  await open.close();
});

/** Moves the clock and the heartbeat by ten seconds, and waits until the member's document says so. */
async function tick(id: string): Promise<void> {
  clock = new Date(clock.getTime() + 10_000);
  const expiresAt = new Date(clock.getTime() + memberExpiryMs).toISOString();
  jest.advanceTimersByTime(10_000);
  while ((await open.store.members.get(id))?.expiresAt !== expiresAt);
}

function member(roles: readonly string[] = ['dhcp']): ReturnType<typeof createMember> {
  return createMember({ store: open.store, roles, dataDir: '/data', now, log });
}

test('a member is there while it is started, and expires 30 s after its last sign of life', async () => {
  const self = member(['dhcp', 'api']);
  await self.start();
  const entered = await open.store.members.get(self.id);
  expect(entered).toMatchObject({ pid: process.pid, roles: ['dhcp', 'api'], expiresAt: '2026-01-01T00:00:30.000Z' });
  await tick(self.id);
  expect(await open.store.members.get(self.id)).toMatchObject({ expiresAt: '2026-01-01T00:00:40.000Z' });
  await self.stop();
  expect(await open.store.members.count()).toBe(0);
});

test('an expired member is cleared away by another, and enters again when it lives', async () => {
  const stopped = member();
  await stopped.start();
  jest.clearAllTimers();
  clock = new Date(clock.getTime() + memberExpiryMs + 1);
  const other = member();
  await other.start();
  expect(await open.store.members.get(stopped.id)).toBeUndefined();
  await stopped.start();
  expect(await open.store.members.get(stopped.id)).toMatchObject({ version: 1 });
  await stopped.stop();
  await other.stop();
});

test('a store that fails does not end the heartbeat', async () => {
  const self = member();
  await self.start();
  const failing = jest.spyOn(open.store.members, 'update').mockRejectedValueOnce(new Error('away'));
  clock = new Date(clock.getTime() + 10_000);
  jest.advanceTimersByTime(10_000);
  while (failing.mock.calls.length === 0) await new Promise(setImmediate);
  await tick(self.id);
  expect(await open.store.members.get(self.id)).toMatchObject({ expiresAt: '2026-01-01T00:00:50.000Z' });
  await self.stop();
});

test('whoever has the data directory next knows that its holder before is gone', async () => {
  const killed = member();
  await killed.start();
  const elsewhere = createMember({ store: open.store, roles: [], dataDir: '/other', now, log });
  await elsewhere.start();
  const next = member();
  await next.start();
  expect(await next.isAlive(killed.id)).toBe(false);
  expect(await next.isAlive(elsewhere.id)).toBe(true);
  expect(await next.isAlive(next.id)).toBe(true);
  for (const one of [killed, elsewhere, next]) await one.stop();
});

import { createIntake, type IntakeOptions } from '../../src/dhcp/intake.ts';
import { throttle } from '../../src/dhcp/throttle.ts';

function make(options: Partial<IntakeOptions> = {}) {
  const seen = { dropped: 0, failures: [] as unknown[] };
  const intake = createIntake({
    running: 2,
    waiting: 3,
    deadlineMs: 5_000,
    now: () => new Date(0),
    onDropped: () => (seen.dropped += 1),
    onFailed: (error) => seen.failures.push(error),
    ...options,
  });
  return { intake, seen };
}

test('does a bounded amount at once, keeps the order, and drops what is too much', async () => {
  const { intake, seen } = make();
  const gate = Promise.withResolvers<undefined>();
  const begun: number[] = [];
  const taken = [0, 1, 2, 3, 4, 5, 6].map((index) =>
    intake.submit(`client ${index}`, async () => {
      begun.push(index);
      await gate.promise;
    }),
  );
  expect(taken).toEqual([true, true, true, true, true, false, false]);
  expect(begun).toEqual([0, 1]);
  expect(seen.dropped).toBe(2);
  gate.resolve(undefined);
  await intake.drain();
  expect(begun).toEqual([0, 1, 2, 3, 4]);
});

test('does the work of one client in order, and that of others meanwhile', async () => {
  const { intake } = make();
  const gate = Promise.withResolvers<undefined>();
  const done: string[] = [];
  const work = (name: string, until: Promise<undefined>) => async () => {
    await until;
    done.push(name);
  };
  const now = Promise.resolve(undefined);
  intake.submit('a', work('a1', gate.promise));
  intake.submit('a', work('a2', now));
  intake.submit('b', work('b1', now));
  intake.submit('b', work('b2', now));
  while (done.length < 2) await new Promise(setImmediate);
  gate.resolve(undefined);
  await intake.drain();
  expect(done).toEqual(['b1', 'b2', 'a1', 'a2']);
});

test('work that throws is reported, and the next is done', async () => {
  const { intake, seen } = make({ running: 1 });
  let done = false;
  intake.submit('a', () => Promise.reject(new Error('broken')));
  intake.submit('b', () => {
    done = true;
    return Promise.resolve();
  });
  await intake.drain();
  expect(seen.failures).toEqual([new Error('broken')]);
  expect(done).toBe(true);
});

test('work that hangs gives its place up', async () => {
  const { intake, seen } = make({ running: 1, deadlineMs: 20 });
  const second = Promise.withResolvers<undefined>();
  intake.submit('a', () => new Promise(() => undefined));
  intake.submit('b', () => {
    second.resolve(undefined);
    return Promise.resolve();
  });
  await second.promise;
  expect(String(seen.failures[0])).toContain('no result after 20 ms');
});

test('work that waited too long is dropped: its client has asked again', async () => {
  let time = 0;
  const { intake, seen } = make({ running: 1, now: () => new Date(time) });
  const gate = Promise.withResolvers<undefined>();
  let late = false;
  intake.submit('a', () => gate.promise);
  intake.submit('b', () => {
    late = true;
    return Promise.resolve();
  });
  time = 5_001;
  gate.resolve(undefined);
  await intake.drain();
  expect({ late, dropped: seen.dropped }).toEqual({ late: false, dropped: 1 });
});

test('takes nothing after drain', async () => {
  const { intake, seen } = make();
  await intake.drain();
  expect(intake.submit('a', () => Promise.resolve())).toBe(false);
  expect(seen.dropped).toBe(1);
});

test('a throttle reports at once, then once an interval with the count', () => {
  let time = 0;
  const counts: number[] = [];
  const report = throttle(
    () => new Date(time),
    1_000,
    (count) => counts.push(count),
  );
  report();
  report();
  report();
  time = 1_000;
  report();
  expect(counts).toEqual([1, 3]);
});

test('of one client and kind only the newest waits, in the place of the first', async () => {
  const { intake, seen } = make({ running: 1 });
  const gate = Promise.withResolvers<undefined>();
  const done: string[] = [];
  const work = (name: string) => () => {
    done.push(name);
    return Promise.resolve();
  };
  intake.submit('other', () => gate.promise);
  intake.submit('a', work('DECLINE'), 'DECLINE');
  intake.submit('a', work('first DISCOVER'), 'DISCOVER');
  intake.submit('b', work("b's DISCOVER"), 'DISCOVER');
  expect(intake.submit('a', work('second DISCOVER'), 'DISCOVER')).toBe(true);
  expect(intake.submit('a', work('third DISCOVER'), 'DISCOVER')).toBe(true);
  gate.resolve(undefined);
  await new Promise(setImmediate);
  await intake.drain();
  expect(done).toEqual(['DECLINE', 'third DISCOVER', "b's DISCOVER"]);
  expect(seen.dropped).toBe(0);
});

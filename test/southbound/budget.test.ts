import { setImmediate as turn } from 'node:timers/promises';
import { createBudget } from '../../src/southbound/budget.ts';

const never = new AbortController().signal;

/** Work that goes on until it is told to end. */
function held() {
  const { promise, resolve } = Promise.withResolvers<undefined>();
  let began = false;
  const work = (): Promise<undefined> => {
    began = true;
    return promise;
  };
  const end = (): void => {
    resolve(undefined);
  };
  return { work, began: () => began, end };
}

test('what is over the budget waits, first come, first served', async () => {
  const budget = createBudget(100);
  const [a, b, c] = [held(), held(), held()];
  const all = [
    budget.spend(60, never, a.work),
    budget.spend(60, never, b.work),
    // Would fit beside the first, and yet does not overtake the second.
    budget.spend(30, never, c.work),
  ];
  await turn();
  expect([a, b, c].map((one) => one.began())).toEqual([true, false, false]);
  a.end();
  await turn();
  expect([b, c].map((one) => one.began())).toEqual([true, true]);
  b.end();
  c.end();
  await Promise.all(all);
});

test('work that fails gives its share back, and a share larger than all is all', async () => {
  const budget = createBudget(100);
  await expect(budget.spend(1000, never, () => Promise.reject(new Error('broken')))).rejects.toThrow('broken');
  expect(await budget.spend(100, never, () => Promise.resolve('done'))).toBe('done');
});

test('whoever goes away while it waits takes no share, and lets those behind it pass', async () => {
  const budget = createBudget(100);
  const [first, last] = [held(), held()];
  const gone = new AbortController();
  const running = budget.spend(50, never, first.work);
  const refused = budget.spend(100, gone.signal, () => Promise.resolve('done'));
  const behind = budget.spend(50, never, last.work);
  gone.abort();
  expect(await refused).toBeUndefined();
  expect(await budget.spend(100, gone.signal, () => Promise.resolve('done'))).toBeUndefined();
  await turn();
  expect(last.began()).toBe(true);
  first.end();
  last.end();
  await Promise.all([running, behind]);
  // Where nothing has to be waited for, the work is done: a server that drains takes what was sent to it.
  expect(await budget.spend(100, gone.signal, () => Promise.resolve('done'))).toBe('done');
});

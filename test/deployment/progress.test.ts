import type { DeploymentProgress } from '../../src/model/deployment.ts';
import { isForTimeline, progressAfter, progressFact } from '../../src/deployment/progress.ts';

const total = 1000e6;
const at = (second: number): Date => new Date(Date.UTC(2026, 0, 1, 0, 0, second));
const write = (bytes: number) => ({ step: 'write', bytes, total });
const known = (bytes: number, second: number): DeploymentProgress => ({
  ...write(bytes),
  since: at(0).toISOString(),
  at: at(second).toISOString(),
});

test('a step begins, goes on, and begins again', () => {
  expect(progressAfter(undefined, write(0), at(0))).toEqual(known(0, 0));
  expect(progressAfter(known(0, 0), write(5e6), at(2))).toEqual(known(5e6, 2));
  expect(progressAfter(known(5e6, 2), write(0), at(9))).toEqual({
    ...write(0),
    since: at(9).toISOString(),
    at: at(9).toISOString(),
  });
  expect(progressAfter(known(5e6, 2), { ...write(3), step: 'verify' }, at(9))).toMatchObject({
    step: 'verify',
    bytes: 3,
    since: at(9).toISOString(),
  });
});

test.each<[string, number, Date]>([
  ['one that was overtaken', 4e6, at(3)],
  ['one that is repeated', 5e6, at(3)],
  ['one that comes too soon', 6e6, new Date(at(2).getTime() + 100)],
])('%s is not kept', (_, bytes, now) => {
  expect(progressAfter(known(5e6, 2), write(bytes), now)).toBeUndefined();
});

test('the end is kept however soon it comes, and never is beyond the whole', () => {
  expect(progressAfter(known(5e6, 2), write(2 * total), at(2))).toEqual(known(total, 2));
});

test('a step has some twenty facts at most, of however many reports', () => {
  let before: DeploymentProgress | undefined;
  let facts = 0;
  for (let second = 0; second <= 1000; second += 1) {
    const after = progressAfter(before, write(second * 1e6), at(second));
    if (!after) continue;
    if (isForTimeline(before, after)) facts += 1;
    before = after;
  }
  expect(before?.bytes).toBe(total);
  expect(facts).toBe(21);
});

test('a fact says how far, how fast and how long still', () => {
  expect(progressFact(known(250e6, 10), { nodeId: 'n', runId: 'r' })).toEqual({
    kind: 'deploy.progress',
    how: 'token',
    text: 'write: 25 % of 1000 MB, 25.0 MB/s, about 30 s left',
    nodeId: 'n',
    runId: 'r',
    data: { ...write(250e6), rate: 25e6, secondsLeft: 30 },
  });
});

test('nothing is divided by zero', () => {
  const nothing = { step: 'write', bytes: 0, total: 0, since: at(0).toISOString(), at: at(0).toISOString() };
  expect(progressFact(nothing, { nodeId: 'n', runId: 'r' }).text).toBe('write: 100 % of 0 MB');
});

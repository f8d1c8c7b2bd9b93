import { createLog } from '../../src/log.ts';
import { endInOrder } from '../../src/app/ending.ts';

const log = createLog('silent');

test('a step that throws, rejects or hangs keeps no other from being taken', async () => {
  const taken: string[] = [];
  const step = (name: string, end: () => Promise<void> = () => Promise.resolve()) => ({
    name,
    end: () => {
      taken.push(name);
      return end();
    },
  });
  const steps = [
    step('well'),
    step('throws', () => {
      throw new Error('at once');
    }),
    step('rejects', () => Promise.reject(new Error('later'))),
    step('hangs', () => new Promise(() => undefined)),
    step('last'),
  ];
  expect(await endInOrder(steps, log, 20)).toBe(false);
  expect(taken).toEqual(['well', 'throws', 'rejects', 'hangs', 'last']);
  expect(await endInOrder([step('well')], log)).toBe(true);
});

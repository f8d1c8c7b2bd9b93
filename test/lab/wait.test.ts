import { waitFor } from '../../src/lab/wait.ts';

test('waits while there is nothing, or no', async () => {
  const answers = [undefined, false, undefined, 0] as const;
  let asked = 0;
  expect(await waitFor('it', () => answers[asked++], { deadlineMs: 10_000, stepMs: 1 })).toBe(0);
  expect(asked).toBe(4);
});

test('says what it waited for', async () => {
  const no = waitFor('the cows to come home', () => false, { deadlineMs: 20, stepMs: 1 });
  await expect(no).rejects.toMatchObject({ code: 'deadline', message: 'the cows to come home: not within 0.02 s' });
});

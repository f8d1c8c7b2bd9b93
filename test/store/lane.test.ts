import { createLane, type Lane, type Peer } from '../../src/store/sqlite/lane.ts';
import type { Outcome, Request } from '../../src/store/sqlite/protocol.ts';

/** A worker that answers when the test says so. */
interface HeldPeer extends Peer {
  readonly posted: (readonly Request[] | null)[];
  readonly answer: (outcomes?: readonly Outcome[]) => void;
  readonly end: (error?: unknown) => void;
}

function createHeldPeer(): HeldPeer {
  const posted: (readonly Request[] | null)[] = [];
  let onOutcomes: (outcomes: readonly Outcome[]) => void = () => undefined;
  let onEnd: (error?: unknown) => void = () => undefined;
  return {
    posted,
    post: (batch) => posted.push(batch),
    onOutcomes: (listener) => (onOutcomes = listener),
    onEnd: (listener) => (onEnd = listener),
    answer: (outcomes) => {
      const batch = posted.at(-1) ?? [];
      onOutcomes(outcomes ?? batch.map(() => ({ ok: true, answer: true })));
    },
    end: (error) => {
      onEnd(error);
    },
  };
}

let peer: HeldPeer;
let lane: Lane;
beforeEach(() => {
  peer = createHeldPeer();
  lane = createLane(peer);
});

const remove = (id: number): Promise<boolean> => lane.send({ op: 'delete', collection: 'things', id: `${id}` });
const sizes = (): (number | undefined)[] => peer.posted.map((batch) => batch?.length);

test('what arrives while a batch is under way goes as the next one', async () => {
  const first = remove(0);
  const others = [1, 2, 3, 4, 5].map(remove);
  expect(sizes()).toStrictEqual([1]);
  peer.answer();
  expect(await first).toBe(true);
  expect(sizes()).toStrictEqual([1, 5]);
  peer.answer();
  await Promise.all(others);
});

test('a batch has an upper bound', () => {
  const settled = Promise.allSettled(Array.from({ length: 1200 }, (_, id) => remove(id)));
  for (let round = 0; round < 4; round += 1) peer.answer();
  expect(sizes()).toStrictEqual([1, 500, 500, 199]);
  return settled;
});

test('nothing settles before its batch is answered, and each gets its own outcome', async () => {
  const states: string[] = [];
  void remove(0).then(() => states.push('zero'));
  const one = remove(1);
  const two = remove(2);
  await Promise.resolve();
  expect(states).toStrictEqual([]);
  peer.answer();
  peer.answer([
    { ok: false, fault: { code: 'store-full', message: 'full', retryable: true } },
    { ok: true, answer: false },
  ]);
  await expect(one).rejects.toMatchObject({ code: 'store-full', message: 'full', retryable: true });
  expect(await two).toBe(false);
  expect(states).toStrictEqual(['zero']);
});

test('closing waits for what was sent, and refuses what comes later', async () => {
  const first = remove(0);
  const second = remove(1);
  const closed = lane.close();
  await expect(remove(2)).rejects.toMatchObject({ code: 'store-closed' });
  peer.answer();
  peer.answer();
  expect(sizes()).toStrictEqual([1, 1, undefined]);
  peer.end();
  await Promise.all([first, second, closed, lane.close()]);
});

test('when the worker dies, everything fails with the reason, now and later', async () => {
  const pending = [remove(0), remove(1)];
  const fault = new Error('out of memory');
  peer.end(fault);
  for (const promise of [...pending, remove(2)]) await expect(promise).rejects.toBe(fault);
  await lane.close();
});

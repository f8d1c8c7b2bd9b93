/** Runs work in the order in which it was handed over, one piece at a time; one that fails does not stop the next. */
export interface WorkQueue {
  readonly push: <T>(work: () => Promise<T>) => Promise<T>;
}

export function createQueue(): WorkQueue {
  let last: Promise<unknown> = Promise.resolve();
  return {
    push: async (work) => {
      const mine = last.then(work, work);
      last = mine.catch(() => undefined);
      return await mine;
    },
  };
}

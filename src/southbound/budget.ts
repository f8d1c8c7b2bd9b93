/** Bytes that may be in memory at once, for those who ask for them. */
export interface Budget {
  /** Does the work when its share is free, first come, first served; undefined if the signal ends the waiting. */
  spend<T>(bytes: number, signal: AbortSignal, work: () => Promise<T>): Promise<T | undefined>;
}

interface Waiting {
  readonly bytes: number;
  readonly go: () => void;
}

/** A budget of so many bytes. A share larger than all of it counts as all of it. */
export function createBudget(total: number): Budget {
  const queue = new Set<Waiting>();
  let left = total;

  const admit = (): void => {
    for (const waiting of queue) {
      if (waiting.bytes > left) return;
      queue.delete(waiting);
      left -= waiting.bytes;
      waiting.go();
    }
  };
  /** Whether the share is ours; false where the signal came first. */
  const turn = (bytes: number, signal: AbortSignal): Promise<boolean> =>
    new Promise((resolve) => {
      const leave = (): void => {
        queue.delete(waiting);
        resolve(false);
        admit();
      };
      const go = (): void => {
        signal.removeEventListener('abort', leave);
        resolve(true);
      };
      const waiting = { bytes, go };
      signal.addEventListener('abort', leave, { once: true });
      queue.add(waiting);
      admit();
      if (signal.aborted && queue.has(waiting)) leave();
    });

  return {
    async spend(bytes, signal, work) {
      const share = Math.min(bytes, total);
      if (!(await turn(share, signal))) return undefined;
      try {
        return await work();
      } finally {
        left += share;
        admit();
      }
    },
  };
}

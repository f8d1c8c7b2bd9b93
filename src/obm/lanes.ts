/** Work on one thing is done one after another, in the order in which it came; work on different things side by side. */
export interface Lanes {
  /** Answers `full` where too much waits for the key, `aborted` where the signal was aborted before its turn. */
  run<T>(key: string, signal: AbortSignal, work: () => Promise<T>): Promise<T | 'full' | 'aborted'>;
}

export function createLanes(limit: number): Lanes {
  const lanes = new Map<string, { waiting: number; tail: Promise<unknown> }>();
  return {
    async run<T>(key: string, signal: AbortSignal, work: () => Promise<T>) {
      const lane = lanes.get(key) ?? { waiting: 0, tail: Promise.resolve() };
      if (lane.waiting >= limit) return 'full';
      lanes.set(key, lane);
      lane.waiting += 1;
      const start = async (): Promise<T | 'aborted'> => (signal.aborted ? 'aborted' : await work());
      const turn = lane.tail.then(start);
      lane.tail = turn.catch(() => undefined);
      try {
        return await turn;
      } finally {
        lane.waiting -= 1;
        if (lane.waiting === 0) lanes.delete(key);
      }
    },
  };
}

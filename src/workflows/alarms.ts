/** One timer a key, set to a moment of the wall clock. */
export interface Alarms {
  /** Calls `ring(key)` at `at` (ISO 8601); replaces an earlier alarm of the key. */
  readonly set: (key: string, at: string) => void;
  readonly clear: (key: string) => void;
  readonly clearAll: () => void;
}

/** setTimeout counts in 32 bits: what is further off rings too early, and is set again. */
const longestTimer = 2 ** 31 - 1;

export function createAlarms(now: () => Date, ring: (key: string) => void): Alarms {
  const timers = new Map<string, { at: string; timer: NodeJS.Timeout }>();
  const clear = (key: string): void => {
    clearTimeout(timers.get(key)?.timer);
    timers.delete(key);
  };
  return {
    clear,
    clearAll: () => {
      for (const key of [...timers.keys()]) clear(key);
    },
    set: (key, at) => {
      if (timers.get(key)?.at === at) return;
      clear(key);
      const wait = Math.min(Math.max(Date.parse(at) - now().getTime(), 0) + 1, longestTimer);
      const timer = setTimeout(() => {
        timers.delete(key);
        ring(key);
      }, wait);
      timer.unref();
      timers.set(key, { at, timer });
    },
  };
}

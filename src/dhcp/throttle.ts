/**
 * A function that calls `report` at most once an interval, with how often it was itself called since the last report,
 * this call included.
 */
export function throttle(now: () => Date, intervalMs: number, report: (count: number) => void): () => void {
  let count = 0;
  let notBefore = -Infinity;
  return () => {
    count += 1;
    const time = now().getTime();
    if (time < notBefore) return;
    const since = count;
    notBefore = time + intervalMs;
    count = 0;
    report(since);
  };
}

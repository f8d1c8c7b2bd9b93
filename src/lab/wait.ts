import { setTimeout as sleep } from 'node:timers/promises';
import { RackwrightError } from '../errors.ts';

/**
 * Looks every `stepMs` until `check` gives something, which `undefined` and `false` are not; throws code `deadline` naming
 * `what` after `deadlineMs`.
 */
export async function waitFor<T>(
  what: string,
  check: () => T | undefined | false | Promise<T | undefined | false>,
  { deadlineMs, stepMs = 50 }: { readonly deadlineMs: number; readonly stepMs?: number },
): Promise<T> {
  const end = performance.now() + deadlineMs;
  for (;;) {
    const found = await check();
    if (found !== undefined && found !== false) return found;
    if (performance.now() >= end) throw deadlineError(what, deadlineMs);
    await sleep(stepMs);
  }
}

/** Gives `work` so long; throws code `deadline` naming `what` after it. The work itself is not ended. */
export async function within<T>(what: string, deadlineMs: number, work: Promise<T>): Promise<T> {
  const timer = new AbortController();
  const expired = sleep(deadlineMs, undefined, { signal: timer.signal }).then(
    () => Promise.reject(deadlineError(what, deadlineMs)),
    () => new Promise<never>(() => undefined),
  );
  try {
    return await Promise.race([work, expired]);
  } finally {
    timer.abort();
  }
}

function deadlineError(what: string, deadlineMs: number): RackwrightError {
  return new RackwrightError('deadline', `${what}: not within ${deadlineMs / 1000} s`, { retryable: true });
}

import { describeError } from '../errors.ts';
import type { Log } from '../log.ts';
import type { Run } from '../model/run.ts';

/** Who wants to know that a run was saved by this process. */
export interface Changes {
  readonly saved: (run: Run) => void;
  readonly on: (listener: (event: { readonly run: Run }) => void) => () => void;
  readonly changed: (nodeId: string, signal: AbortSignal) => Promise<void>;
}

/** Another process may have changed the run: whoever waits looks again after so long. */
const longestWaitMs = 2_000;

export function createChanges(log: Log): Changes {
  const listeners = new Set<(event: { readonly run: Run }) => void>();
  const on = (listener: (event: { readonly run: Run }) => void): (() => void) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  };
  return {
    on,
    saved: (run) => {
      for (const listener of [...listeners]) {
        try {
          listener({ run });
        } catch (error) {
          log.error({ event: 'run.listener', runId: run.id, error: describeError(error) }, 'a listener failed');
        }
      }
    },
    changed: (nodeId, signal) =>
      new Promise((resolve) => {
        if (signal.aborted) {
          resolve();
          return;
        }
        const done = (): void => {
          clearTimeout(timer);
          off();
          signal.removeEventListener('abort', done);
          resolve();
        };
        const timer = setTimeout(done, longestWaitMs);
        const off = on(({ run }) => {
          if (run.nodeId === nodeId) done();
        });
        signal.addEventListener('abort', done);
      }),
  };
}

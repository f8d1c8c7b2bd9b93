import { describeError } from '../errors.ts';
import type { Listener } from '../http/listener.ts';
import type { Log } from '../log.ts';
import type { Role, RoleName } from '../model/role.ts';

/** Something that starts and stops together with a role. */
export interface Companion {
  start(): void;
  stop(): Promise<void>;
}

/** A role that is an HTTP listener. Draining ends its long polls and event streams first. */
export function listenerRole(parts: {
  name: RoleName;
  listener: Listener;
  draining: AbortController;
  beside?: readonly Companion[];
}): Role {
  const { name, listener, draining, beside = [] } = parts;
  return {
    name,
    async start() {
      await listener.start();
      for (const companion of beside) companion.start();
    },
    async drain() {
      draining.abort();
      await listener.drain();
    },
    async stop() {
      for (const companion of beside) await companion.stop();
      await listener.stop();
    },
  };
}

/** Does `work` every so many milliseconds, one at a time; a failure is logged and does not end it. */
export function repeating(everyMs: number, work: () => Promise<void>, log: Log): Companion {
  let timer: NodeJS.Timeout | undefined;
  let underWay = Promise.resolve();
  return {
    start() {
      timer = setInterval(() => {
        underWay = underWay.then(work).catch((error: unknown) => {
          log.error({ event: 'sweep.failed', error: describeError(error) }, 'a sweep failed; it is tried again');
        });
      }, everyMs);
    },
    async stop() {
      clearInterval(timer);
      await underWay;
    },
  };
}

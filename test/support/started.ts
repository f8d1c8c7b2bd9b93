import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';

/** How a program ended: one of the two. */
export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A program that a test started. */
export interface Started {
  readonly process: ChildProcess;
  /** Resolves when it has ended and its output is whole. */
  readonly ended: Promise<Ended>;
  /** Everything written so far, both streams. */
  output(): string;
  /** Resolves with the output once it matches; rejects with the output if the program ends or time is up first. */
  until(pattern: RegExp, timeoutMs?: number): Promise<string>;
  /** Ends the program and waits for it. */
  stop(signal?: NodeJS.Signals): Promise<void>;
}

/** Follows a child whose output goes to pipes. */
export function watch(child: ChildProcess): Started {
  let text = '';
  let closed = false;
  const waiting = new Set<() => void>();
  const notify = (): void => {
    for (const check of waiting) check();
  };
  const collect = (chunk: Buffer): void => {
    text += chunk.toString();
    notify();
  };
  child.stdout?.on('data', collect);
  child.stderr?.on('data', collect);
  const ended = new Promise<Ended>((resolve) => {
    child.once('close', (code, signal) => {
      closed = true;
      notify();
      resolve({ code, signal });
    });
  });
  return {
    process: child,
    ended,
    output: () => text,
    until: (pattern, timeoutMs = 20_000) =>
      new Promise((resolve, reject) => {
        const finish = (settle: () => void): void => {
          clearTimeout(timer);
          waiting.delete(check);
          settle();
        };
        const fail = (why: string) => () => {
          reject(new Error(`${why} without ${String(pattern)}:\n${text}`));
        };
        const check = (): void => {
          if (pattern.test(text)) {
            finish(() => {
              resolve(text);
            });
          } else if (closed) finish(fail('it ended'));
        };
        const timer = setTimeout(() => {
          finish(fail(`${timeoutMs} ms passed`));
        }, timeoutMs);
        waiting.add(check);
        check();
      }),
    stop: async (signal = 'SIGTERM') => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const exit = once(child, 'exit');
      child.kill(signal);
      await exit;
    },
  };
}

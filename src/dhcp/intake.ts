/** Takes work as fast as it comes, does a bounded amount of it at once, and drops what is too much or too late. */
export interface Intake {
  /** False if the work was dropped: too much waits already. Work of one key is done in the order in which it came. */
  submit(key: string, work: () => Promise<void>): boolean;
  /** Refuses new work; resolves when what was taken has ended, at the latest after the deadline of one piece. */
  drain(): Promise<void>;
}

export interface IntakeOptions {
  readonly running: number;
  readonly waiting: number;
  /** One piece of work may take so long, waiting included: after that its client has asked again. Milliseconds. */
  readonly deadlineMs: number;
  readonly now: () => Date;
  /** The work was dropped without having been done, or is taking too long, or threw. */
  readonly onDropped: () => void;
  readonly onFailed: (error: unknown) => void;
}

export function createIntake(options: IntakeOptions): Intake {
  const waiting: { readonly key: string; readonly work: () => Promise<void>; readonly at: number }[] = [];
  const running = new Map<string, Promise<void>>();
  let open = true;

  const next = (): void => {
    while (running.size < options.running) {
      const index = waiting.findIndex(({ key }) => !running.has(key));
      const [entry] = index < 0 ? [] : waiting.splice(index, 1);
      if (entry === undefined) return;
      if (options.now().getTime() - entry.at > options.deadlineMs) {
        options.onDropped();
        continue;
      }
      const done = within(options.deadlineMs, entry.work)
        .catch(options.onFailed)
        .then(() => {
          running.delete(entry.key);
          next();
        });
      running.set(entry.key, done);
    }
  };

  return {
    submit: (key, work) => {
      if (!open || waiting.length >= options.waiting) {
        options.onDropped();
        return false;
      }
      waiting.push({ key, work, at: options.now().getTime() });
      next();
      return true;
    },
    drain: async () => {
      open = false;
      while (running.size > 0) await Promise.all(running.values());
    },
  };
}

/** Frees the slot of work that hangs; the work itself cannot be stopped, and its late result is nobody's. */
async function within(deadlineMs: number, work: () => Promise<void>): Promise<void> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    late.reject(new Error(`no result after ${deadlineMs} ms`));
  }, deadlineMs);
  try {
    await Promise.race([work(), late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

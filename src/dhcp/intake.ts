/** Takes work as fast as it comes, does a bounded amount of it at once, and drops what is too much or too late. */
export interface Intake {
  /**
   * False if the work was dropped: too much waits already. Work of one key is done in the order in which it came; work
   * that still waits is replaced, in its place, by work of the same key and kind.
   */
  submit(key: string, work: () => Promise<void>, kind?: string): boolean;
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

interface Waiting {
  readonly key: string;
  readonly kind: string | undefined;
  readonly work: () => Promise<void>;
  /** Milliseconds. */
  readonly at: number;
}

export function createIntake(options: IntakeOptions): Intake {
  const waiting: Waiting[] = [];
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
    submit: (key, work, kind) => {
      const entry = { key, work, kind, at: options.now().getTime() };
      const former = kind === undefined ? -1 : waiting.findIndex((other) => other.key === key && other.kind === kind);
      if (open && former >= 0) {
        waiting[former] = entry;
        return true;
      }
      if (!open || waiting.length >= options.waiting) {
        options.onDropped();
        return false;
      }
      waiting.push(entry);
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

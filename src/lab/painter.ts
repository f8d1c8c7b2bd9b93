/** Where the screen goes: standard output, mostly. */
export interface Terminal {
  readonly write: (text: string) => unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
}

/** What a screen shows of things that are under way. Pure. */
export interface View<T> {
  /** Lines that it takes at most, but for notes. */
  readonly rows: (progress: T) => number;
  /** The whole screen, no line longer than `width`. */
  readonly render: (progress: T, now: number, width: number) => string[];
  /** What is new, a line each, for where nothing can be redrawn (a log, a pipe). */
  readonly changes: (before: T | undefined, after: T) => string[];
}

export interface Painter<T> {
  /** Shows how far things are. */
  readonly paint: (progress: T, now: number) => void;
  /** Prints a line above the screen. */
  readonly say: (line: string) => void;
}

/** Lines that are left for notes, and for the cursor. */
const spareRows = 3;

/** What a node says of itself may hold anything, and must not steer the terminal. */
function harmless(line: string): string {
  return line.replaceAll(/\p{Cc}/gu, ' ');
}

/** Redraws in place on a terminal that holds all the rows; elsewhere appends what is new. */
export function createPainter<T>(terminal: Terminal, view: View<T>): Painter<T> {
  let drawn = 0;
  let last: T | undefined;
  const rewind = (): string => (drawn === 0 ? '' : `\x1b[${drawn}A\x1b[J`);
  return {
    paint: (progress, now) => {
      if (terminal.isTTY === true && view.rows(progress) + spareRows <= (terminal.rows ?? 24)) {
        const lines = view.render(progress, now, terminal.columns ?? 80).map(harmless);
        terminal.write(`${rewind()}${lines.join('\n')}\n`);
        drawn = lines.length;
      } else {
        for (const line of view.changes(last, progress)) terminal.write(`${harmless(line)}\n`);
        last = progress;
      }
    },
    say: (line) => {
      terminal.write(`${rewind()}${line}\n`);
      drawn = 0;
    },
  };
}

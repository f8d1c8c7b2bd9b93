import type { Progress } from './progress.ts';
import { renderChanges, renderScreen } from './screen.ts';

/** Where the screen goes: standard output, mostly. */
export interface Terminal {
  readonly write: (text: string) => unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
}

export interface Painter {
  /** Shows how far things are. */
  readonly paint: (progress: Progress, now: number) => void;
  /** Prints a line above the screen. */
  readonly say: (line: string) => void;
}

/** Lines that are left for the header and for notes. */
const spareRows = 4;

/** What a node says of itself may hold anything, and must not steer the terminal. */
function harmless(line: string): string {
  return line.replaceAll(/\p{Cc}/gu, ' ');
}

/** Redraws in place on a terminal that holds all the rows; elsewhere appends what is new. */
export function createPainter(terminal: Terminal): Painter {
  let drawn = 0;
  let last: Progress = [];
  const rewind = (): string => (drawn === 0 ? '' : `\x1b[${drawn}A\x1b[J`);
  return {
    paint: (progress, now) => {
      if (terminal.isTTY === true && progress.length + spareRows <= (terminal.rows ?? 24)) {
        const lines = renderScreen(progress, now, terminal.columns ?? 80).map(harmless);
        terminal.write(`${rewind()}${lines.join('\n')}\n`);
        drawn = lines.length;
      } else {
        for (const line of renderChanges(last, progress)) terminal.write(`${harmless(line)}\n`);
        last = progress;
      }
    },
    say: (line) => {
      terminal.write(`${rewind()}${line}\n`);
      drawn = 0;
    },
  };
}

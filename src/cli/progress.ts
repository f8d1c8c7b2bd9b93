import { transferLine, type TransferSample } from './transfer-line.ts';

/** Shows how far something is. */
export interface Progress {
  show(step: string, bytes: number, total?: number): void;
  /** Leaves the line as it is. */
  end(): void;
}

/** Where progress is shown: standard error, mostly. */
export interface ProgressTerminal {
  readonly write: (text: string) => unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
}

/** On a terminal one line that is redrawn; elsewhere a line for each step and each tenth of it. */
export function createProgress(terminal: ProgressTerminal, now: () => number): Progress {
  let step = '';
  let samples: TransferSample[] = [];
  let tenth = -1;
  let open = false;
  const end = (): void => {
    if (open) terminal.write('\n');
    open = false;
  };
  return {
    end,
    show(next, bytes, total) {
      if (next !== step) {
        end();
        [step, samples, tenth] = [next, [], -1];
      }
      samples = [...samples.slice(-100), { at: now(), bytes }];
      const line = transferLine({ step, bytes, samples, ...(total === undefined ? {} : { total }) });
      if (terminal.isTTY) {
        terminal.write(`\r${line.slice(0, (terminal.columns ?? 80) - 1)}\x1b[K`);
        open = true;
        return;
      }
      const reached = total === undefined || total === 0 ? 0 : Math.floor((bytes * 10) / total);
      if (reached > tenth) terminal.write(`${line}\n`);
      tenth = Math.max(tenth, reached);
    },
  };
}

import { readdirSync, readFileSync } from 'node:fs';

export interface Process {
  readonly pid: number;
  /** Its command line, or the title that it gave itself. */
  readonly command: string;
}

/** The processes that a process has started. */
export function childrenOf(parent: number): Process[] {
  const read = (path: string): string => {
    try {
      return readFileSync(path, 'utf8');
    } catch {
      // It ended between the listing and the reading.
      return '';
    }
  };
  const threads = readdirSync(`/proc/${parent}/task`);
  const pids = threads.flatMap((thread) => read(`/proc/${parent}/task/${thread}/children`).match(/\d+/g) ?? []);
  return pids.map((pid) => ({ pid: Number(pid), command: read(`/proc/${pid}/cmdline`).replaceAll('\0', ' ') }));
}

import { readFileSync } from 'node:fs';
import { waitFor } from './wait.ts';

/** A process for certain: numbers are used again, but not with the same start time (clock ticks since boot). */
export interface ProcessId {
  readonly pid: number;
  readonly startTime: string;
}

/**
 * Start time of a process; undefined where there is none, or only its zombie (`/proc/PID/stat`, proc(5)). Of a program
 * with threads the first one may be a zombie while others still end: only with the last are its files closed.
 */
function startTimeOf(pid: number): string | undefined {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch {
    return undefined;
  }
  // The program's name stands in parentheses and may hold anything, so fields are counted from the last one.
  const [state, ...rest] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const threads = Number(rest[16]);
  return state === 'X' || (state === 'Z' && threads <= 1) ? undefined : rest[18];
}

export function identify(pid: number): ProcessId | undefined {
  const startTime = startTimeOf(pid);
  return startTime === undefined ? undefined : { pid, startTime };
}

export function isAlive(process: ProcessId): boolean {
  return startTimeOf(process.pid) === process.startTime;
}

/** Sends a signal, unless the process has gone. */
export function sendSignal(target: ProcessId, signal: NodeJS.Signals): void {
  if (!isAlive(target)) return;
  try {
    process.kill(target.pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** TERM, then KILL after `graceMs`; resolves when the process is gone. */
export async function endProcess(target: ProcessId, graceMs: number): Promise<void> {
  const gone = (): true | undefined => (isAlive(target) ? undefined : true);
  if (graceMs > 0) {
    sendSignal(target, 'SIGTERM');
    const ended = await waitFor('end', gone, { deadlineMs: graceMs, stepMs: 20 }).catch(() => false);
    if (ended) return;
  }
  sendSignal(target, 'SIGKILL');
  await waitFor(`end of process ${target.pid} after SIGKILL`, gone, { deadlineMs: 5_000, stepMs: 20 });
}

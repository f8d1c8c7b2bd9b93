import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { once } from 'node:events';
import { RackwrightError } from '../errors.ts';
import type { ProcessId } from './process-id.ts';
import { endProcess, identify, isAlive } from './process-id.ts';
import type { LabPaths } from './state.ts';
import { noteProcess } from './state.ts';

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A program that runs until it is stopped. */
export interface LabProcess {
  readonly id: ProcessId;
  readonly exited: Promise<Exit>;
  readonly alive: () => boolean;
  /** TERM, then KILL after `graceMs` (0: KILL at once); resolves when it is gone. */
  readonly stop: (graceMs: number) => Promise<void>;
}

export interface SpawnRequest {
  readonly name: string;
  readonly argv: readonly string[];
  /** Gets standard output and error. */
  readonly logFile: string;
  readonly cwd?: string;
}

export type SpawnProcess = (request: SpawnRequest) => Promise<LabProcess>;

/**
 * Starts long-running programs of a lab inside it (`enter` in front), each in a session of its own, so that a terminal's
 * Ctrl-C reaches only the lab's owner, and each noted on disk before anything else happens.
 */
export function createChildren(deps: { readonly paths: LabPaths; readonly enter: readonly string[] }): {
  readonly spawn: SpawnProcess;
} {
  return {
    spawn: async (request) => await start(deps.paths, { ...request, argv: [...deps.enter, ...request.argv] }),
  };
}

/** Starts a program outside the lab's namespace; otherwise as `createChildren`. */
export async function start(paths: LabPaths, request: SpawnRequest): Promise<LabProcess> {
  const [program = '', ...args] = request.argv;
  const log = openSync(request.logFile, 'a', 0o600);
  const child = spawn(program, args, {
    detached: true,
    stdio: ['ignore', log, log],
    ...(request.cwd === undefined ? {} : { cwd: request.cwd }),
  });
  closeSync(log);
  const exited = new Promise<Exit>((resolve) => {
    child.once('exit', (code, signal) => {
      resolve({ code, signal });
    });
  });
  const { pid } = child;
  if (pid === undefined) {
    const [error] = (await once(child, 'error')) as [unknown];
    throw new RackwrightError('spawn', `${request.name} could not be started`, { cause: error });
  }
  const id = identify(pid) ?? { pid, startTime: 'gone' };
  noteProcess(paths, id, request.name);
  return {
    id,
    exited,
    alive: () => isAlive(id),
    stop: async (graceMs) => {
      await endProcess(id, graceMs);
    },
  };
}

import { appendFileSync, lstatSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { RackwrightError } from '../errors.ts';
import type { Isolation } from './options.ts';
import type { ProcessId } from './process-id.ts';

/** What is on disk of a lab, for those who come after its owner: enough to reach it, and to remove all of it. */
export interface LabRecord {
  readonly name: string;
  /** Differs between two labs of one name, so that the reaper of the first leaves the second alone. */
  readonly instance: string;
  readonly isolation: Isolation;
  /** The process that owns the lab: the daemon, or a test. */
  readonly owner: ProcessId;
  /** Waits for the owner's death. */
  readonly reaper?: ProcessId;
  /** Arguments in front of a command that make it run inside the lab. */
  readonly enter: readonly string[];
}

/** Where a lab's things lie. */
export interface LabPaths {
  readonly dir: string;
  readonly record: string;
  readonly processes: string;
  readonly options: string;
  readonly control: string;
  readonly admin: string;
  readonly mongodb: string;
  readonly serverConfig: string;
  readonly serverLog: string;
  readonly daemonLog: string;
  readonly data: string;
  /** The private key with which the lab logs in to what it deployed. */
  readonly sshKey: string;
  readonly log: string;
}

/** Short on purpose: a unix socket's path has 107 bytes at most (unix(7)). */
export function labPaths(name: string): LabPaths {
  const dir = `/tmp/rackwright-lab-${name}`;
  return {
    dir,
    record: join(dir, 'lab.json'),
    processes: join(dir, 'processes'),
    options: join(dir, 'options.json'),
    control: join(dir, 'control.sock'),
    admin: join(dir, 'admin.sock'),
    mongodb: join(dir, 'mongodb.sock'),
    serverConfig: join(dir, 'server.yaml'),
    serverLog: join(dir, 'server.log'),
    daemonLog: join(dir, 'daemon.log'),
    data: join(dir, 'data'),
    sshKey: join(dir, 'ssh-key'),
    log: join(dir, 'lab.log'),
  };
}

export function networkNamespaceName(name: string): string {
  return `rackwright-${name}`;
}

/** Makes the lab's directory, or finds it; throws code `lab-directory` where the path is somebody else's. */
export function claimDirectory(paths: LabPaths): void {
  mkdirSync(paths.dir, { recursive: true, mode: 0o700 });
  if (!ownsDirectory(paths)) {
    throw new RackwrightError('lab-directory', `${paths.dir} belongs to somebody else: choose another --name`);
  }
}

/** Whether the lab's directory is there and is ours: /tmp is open to all, so anybody may have made that name. */
export function ownsDirectory(paths: LabPaths): boolean {
  const found = lstatSync(paths.dir, { throwIfNoEntry: false });
  return found?.isDirectory() === true && found.uid === process.getuid?.();
}

/** Replaces the record in one step, so that nobody reads half of it. */
export function writeRecord(paths: LabPaths, record: LabRecord): void {
  writeFileSync(`${paths.record}.new`, JSON.stringify(record), { mode: 0o600 });
  renameSync(`${paths.record}.new`, paths.record);
}

export function readRecord(paths: LabPaths): LabRecord | undefined {
  const text = readIfPresent(paths.record);
  return text === undefined ? undefined : (JSON.parse(text) as LabRecord);
}

/** Notes a process that must not outlive the lab. Written at once: the owner may be killed at any instant. */
export function noteProcess(paths: LabPaths, process: ProcessId, name: string): void {
  appendFileSync(paths.processes, `${process.pid} ${process.startTime} ${name}\n`);
}

/** Every process that was noted, newest first; most of them are long gone. */
export function notedProcesses(paths: LabPaths): ProcessId[] {
  const lines = (readIfPresent(paths.processes) ?? '').split('\n').filter((line) => line !== '');
  return lines
    .map((line) => {
      const [pid = '', startTime = ''] = line.split(' ');
      return { pid: Number(pid), startTime };
    })
    .reverse();
}

function readIfPresent(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

import { existsSync, readdirSync, readlinkSync, rmSync, statSync } from 'node:fs';
import { endProcess, identify, isAlive } from './process-id.ts';
import type { ProcessId } from './process-id.ts';
import { run } from './run.ts';
import type { LabPaths, LabRecord } from './state.ts';
import { labPaths, networkNamespaceName, notedProcesses, ownsDirectory, readRecord } from './state.ts';

/** What there was to remove; for the operator's eyes. */
export interface Removed {
  readonly processes: number;
  readonly namespace: boolean;
  readonly directory: boolean;
}

/** Milliseconds that a process gets to end by itself. */
const graceMs = 5_000;
const mostRounds = 5;

/**
 * Removes every trace of a lab whose owner is dead or is this process: processes, namespace with all that is in it,
 * directory. Safe to repeat, and on what a killed lab left half made.
 */
export async function removeLab(name: string): Promise<Removed> {
  const paths = labPaths(name);
  const ours = ownsDirectory(paths);
  let processes = 0;
  // A server that is being ended may still have started its Redis anew, which was ended before it.
  for (let round = 0; round < mostRounds; round += 1) {
    const all = processesOf(name, paths, ours);
    if (all.length === 0) break;
    await endAll(all);
    processes += all.length;
  }
  const namespace = await removeNamespace(name);
  if (ours) removeDirectory(paths);
  return { processes, namespace, directory: ours };
}

function processesOf(name: string, paths: LabPaths, ours: boolean): ProcessId[] {
  const noted = ours ? notedProcesses(paths).filter(isAlive) : [];
  const inside = processesInside(name, ours ? readRecord(paths) : undefined, noted);
  const others = inside.filter(({ pid }) => !noted.some((other) => other.pid === pid));
  return [...noted, ...others].filter(({ pid }) => pid !== process.pid);
}

/** Ends the process that waits for the owner's death: whoever calls this removes the lab himself. */
export async function dismissReaper(record: LabRecord | undefined): Promise<void> {
  if (record?.reaper !== undefined) await endProcess(record.reaper, 0);
}

async function endAll(processes: readonly ProcessId[]): Promise<void> {
  await Promise.all(
    processes.map(async (target) => {
      await endProcess(target, graceMs);
    }),
  );
}

/**
 * Whoever is in the lab's network namespace belongs to it: also programs started by its programs (the server's Redis,
 * an operator's shell), and one that was started in the instant before its owner was killed. The namespace is known by
 * its inode, and inodes are used again: so it is looked up now, by name or by a process known to be the lab's.
 */
function processesInside(name: string, record: LabRecord | undefined, noted: readonly ProcessId[]): ProcessId[] {
  const inode = namedInode(name) ?? (record?.isolation === 'userns' ? foreignInode(noted) : undefined);
  if (inode === undefined) return [];
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry) && networkOf(entry) === inode)
    .flatMap((entry) => identify(Number(entry)) ?? []);
}

function namedInode(name: string): string | undefined {
  const found = statSync(namespaceFile(name), { throwIfNoEntry: false });
  return found === undefined ? undefined : `net:[${found.ino}]`;
}

function foreignInode(noted: readonly ProcessId[]): string | undefined {
  const own = networkOf('self');
  return noted.map(({ pid }) => networkOf(pid.toString())).find((inode) => inode !== undefined && inode !== own);
}

function networkOf(pid: string): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/ns/net`);
  } catch {
    return undefined;
  }
}

function namespaceFile(name: string): string {
  return `/run/netns/${networkNamespaceName(name)}`;
}

/** Bridges, taps and nftables rules go with it. */
async function removeNamespace(name: string): Promise<boolean> {
  if (!existsSync(namespaceFile(name))) return false;
  return (await run(['ip', 'netns', 'delete', networkNamespaceName(name)])).code === 0;
}

function removeDirectory(paths: LabPaths): void {
  rmSync(paths.dir, { recursive: true, force: true, maxRetries: 3 });
}

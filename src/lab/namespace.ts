import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Isolation } from './options.ts';
import { start } from './children.ts';
import { runOk } from './run.ts';
import type { LabPaths } from './state.ts';
import { networkNamespaceName } from './state.ts';
import { waitFor } from './wait.ts';

/**
 * The lab's own network: nothing that it broadcasts can leave. A named network namespace for root; for everybody else a
 * user namespace, in which an ordinary user may make bridges and taps and bind port 67.
 */
export interface LabNamespace {
  readonly isolation: Isolation;
  /** Arguments in front of a command that make it run inside. They end in exec: the command keeps the process id. */
  readonly enter: readonly string[];
}

export async function makeNamespace(isolation: Isolation, name: string, paths: LabPaths): Promise<LabNamespace> {
  return isolation === 'netns' ? await makeNamed(name) : await makeUnprivileged(paths);
}

async function makeNamed(name: string): Promise<LabNamespace> {
  const netns = networkNamespaceName(name);
  await runOk(['ip', 'netns', 'add', netns]);
  return { isolation: 'netns', enter: ['ip', 'netns', 'exec', netns] };
}

/** A user namespace lives as long as somebody is in it: a sleeping shell, noted like every other process of the lab. */
async function makeUnprivileged(paths: LabPaths): Promise<LabNamespace> {
  const logFile = join(paths.dir, 'namespace.log');
  const hold = 'mount -t sysfs sysfs /sys && echo ready && exec sleep infinity';
  const argv = ['unshare', '--user', '--map-root-user', '--net', '--mount', 'sh', '-c', hold];
  const holder = await start(paths, { name: 'namespace', argv, logFile });
  await waitFor('user namespace', () => (/^ready/m.test(readFileSync(logFile, 'utf8')) ? true : undefined), {
    deadlineMs: 5_000,
    stepMs: 10,
  });
  const target = holder.id.pid.toString();
  return {
    isolation: 'userns',
    enter: ['nsenter', '--target', target, '--user', '--net', '--mount', '--preserve-credentials', '--'],
  };
}

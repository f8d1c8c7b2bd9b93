import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { RackwrightError } from '../errors.ts';
import type { ProcessId } from './process-id.ts';
import { identify } from './process-id.ts';

/**
 * Starts the reaper: a shell that reads a pipe whose other end only this process holds. When this process dies, however
 * it dies, the read ends and the shell becomes the program that removes the lab. `dismissReaper` ends it in peace.
 */
export function watchOwner(name: string, instance: string): ProcessId {
  const script = 'read -r _; exec "$@"';
  const reap = [process.execPath, fileURLToPath(new URL('./reaper.ts', import.meta.url)), name, instance];
  const child = spawn('sh', ['-c', script, 'rackwright-lab-reaper', ...reap], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
    cwd: '/',
  });
  child.on('error', () => undefined);
  child.unref();
  const id = child.pid === undefined ? undefined : identify(child.pid);
  if (id === undefined) throw new RackwrightError('spawn', 'the reaper of the lab could not be started');
  return id;
}

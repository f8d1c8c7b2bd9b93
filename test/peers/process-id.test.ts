import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { identify, isAlive } from '../../src/lab/process-id.ts';
import { waitFor } from '../../src/lab/wait.ts';

/** The first thread ends and the second lives on, for as long as standard input is open. */
const program = `
import ctypes, sys, threading
threading.Thread(target=sys.stdin.read).start()
print('ready', flush=True)
ctypes.CDLL(None).pthread_exit(None)
`;

test('a process whose first thread has ended is alive until its last one has', async () => {
  const child = spawn('/usr/bin/python3', ['-c', program], { stdio: ['pipe', 'pipe', 'inherit'] });
  try {
    await once(child.stdout, 'data');
    const id = identify(child.pid ?? 0);
    expect(id).toBeDefined();
    if (id === undefined) return;
    const isZombie = (): true | undefined => (readState(id.pid) === 'Z' ? true : undefined);
    await waitFor('the first thread to end', isZombie, { deadlineMs: 10_000, stepMs: 10 });
    expect(isAlive(id)).toBe(true);
    child.stdin.end();
    await waitFor('its end', () => (isAlive(id) ? undefined : true), { deadlineMs: 10_000, stepMs: 10 });
  } finally {
    child.kill('SIGKILL');
  }
});

function readState(pid: number): string | undefined {
  return /\) (\S)/.exec(readFileSync(`/proc/${pid}/stat`, 'utf8'))?.[1];
}

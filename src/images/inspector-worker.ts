import { setPriority } from 'node:os';
import { parentPort, workerData } from 'node:worker_threads';
import { describeError, RackwrightError } from '../errors.ts';
import { inspect } from './inspect.ts';
import type { FromInspector, InspectorSetup } from './inspector-protocol.ts';

/** The thread of one inspection: hashing gigabytes on the main one would keep DHCP and the API waiting. */
const { job, deadlineMs } = workerData as InspectorSetup;
const progressEveryMs = 200;

const say = (message: FromInspector): void => parentPort?.postMessage(message);
const stopped = new AbortController();
parentPort?.once('message', () => {
  stopped.abort();
});
// On Linux the priority of "this process" is that of this thread.
setPriority(10);

let said = 0;
try {
  const inspection = await inspect(job, {
    signal: AbortSignal.any([stopped.signal, AbortSignal.timeout(deadlineMs)]),
    progress: (progress) => {
      if (performance.now() - said < progressEveryMs) return;
      said = performance.now();
      say({ kind: 'progress', progress });
    },
  });
  say({ kind: 'end', inspection });
} catch (error) {
  say({ kind: 'fault', code: codeOf(error), message: describeError(error) });
} finally {
  parentPort?.close();
}

function codeOf(error: unknown): string {
  if (error instanceof RackwrightError) return error.code;
  return error instanceof Error && error.name === 'TimeoutError' ? 'timeout' : 'image-io';
}

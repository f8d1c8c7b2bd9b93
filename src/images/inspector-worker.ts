import { setPriority } from 'node:os';
import { parentPort, workerData } from 'node:worker_threads';
import { describeError, RackwrightError } from '../errors.ts';
import { inspect } from './inspect.ts';
import type { FromInspector, InspectorSetup } from './inspector-protocol.ts';

/** The thread of one inspection: hashing gigabytes on the main one would keep DHCP and the API waiting. */
const { job, deadlineMs } = workerData as InspectorSetup;
const progressEveryMs = 200;

const say = (message: FromInspector): void => parentPort?.postMessage(message);
const late = AbortSignal.timeout(deadlineMs);
const stopped = new AbortController();
parentPort?.once('message', () => {
  stopped.abort();
});
// On Linux the priority of "this process" is that of this thread.
setPriority(5);

let said = 0;
try {
  const inspection = await inspect(job, {
    signal: AbortSignal.any([stopped.signal, late]),
    progress: (progress) => {
      if (performance.now() - said < progressEveryMs) return;
      said = performance.now();
      say({ kind: 'progress', progress });
    },
  });
  say({ kind: 'end', inspection });
} catch (error) {
  const code = late.aborted ? 'timeout' : error instanceof RackwrightError ? error.code : 'image-io';
  say({ kind: 'fault', code, message: describeError(error) });
} finally {
  parentPort?.close();
}

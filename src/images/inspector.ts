import { Worker } from 'node:worker_threads';
import { RackwrightError } from '../errors.ts';
import type { Inspection, InspectionJob, InspectionProgress } from './inspect.ts';
import type { FromInspector, InspectorSetup } from './inspector-protocol.ts';
import { inspectionMs } from './limits.ts';
import { refused } from './refusal.ts';

/**
 * Inspects a file off the main thread. Rejects with a fault of the disk, where a program is missing (`image-tool`), or
 * with the signal's reason once the thread and its programs have ended.
 */
export type Inspector = (
  job: InspectionJob,
  signal: AbortSignal,
  onProgress: (progress: InspectionProgress) => void,
) => Promise<Inspection>;

/** One inspection at a time: each keeps a processor and a disk busy. */
export function createInspector(deadlineMs: number = inspectionMs): Inspector {
  let last: Promise<unknown> = Promise.resolve();
  return (job, signal, onProgress) => {
    const next = last.then(() => run({ job, deadlineMs }, signal, onProgress));
    last = next.catch(() => undefined);
    return next;
  };
}

async function run(
  setup: InspectorSetup,
  signal: AbortSignal,
  onProgress: (progress: InspectionProgress) => void,
): Promise<Inspection> {
  signal.throwIfAborted();
  const worker = new Worker(new URL('./inspector-worker.ts', import.meta.url), { workerData: setup });
  const stop = (): void => {
    worker.postMessage('stop');
  };
  signal.addEventListener('abort', stop, { once: true });
  try {
    const end = await endOf(worker, onProgress);
    signal.throwIfAborted();
    if (end?.kind === 'end') return end.inspection;
    if (end?.code === 'image-tool') throw new RackwrightError('image-tool', end.message);
    if (end?.code === 'timeout') return refused('too-large', 'To find out what is in it took too long.');
    throw new RackwrightError('image-io', `an image could not be read: ${end?.message ?? 'its thread ended'}`);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

type End = Exclude<FromInspector, { kind: 'progress' }>;

/** Resolves when the thread has ended, with the last that it said. */
function endOf(worker: Worker, onProgress: (progress: InspectionProgress) => void): Promise<End | undefined> {
  return new Promise((resolve) => {
    let end: End | undefined;
    worker.on('message', (message: FromInspector) => {
      if (message.kind === 'progress') onProgress(message.progress);
      else end = message;
    });
    worker.once('error', (error: unknown) => {
      end = { kind: 'fault', code: 'image-io', message: String(error) };
    });
    worker.once('exit', () => {
      resolve(end);
    });
  });
}

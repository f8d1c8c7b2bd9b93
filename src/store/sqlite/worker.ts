import { parentPort, workerData } from 'node:worker_threads';
import { faultOf, openEngine, type Engine } from './engine.ts';
import type { Opened, Request, WorkerSetup } from './protocol.ts';

/** The thread that owns a connection: opens it, says so, then answers one batch after the other until `null` ends it. */
const setup = workerData as WorkerSetup;

function open(): Engine | undefined {
  let opened: Opened = { ok: true };
  try {
    return openEngine(setup);
  } catch (error) {
    opened = { ok: false, fault: faultOf(error, setup.path) };
    return undefined;
  } finally {
    parentPort?.postMessage(opened);
  }
}

const engine = open();
if (engine) {
  parentPort?.on('message', (batch: readonly Request[] | null) => {
    if (batch) {
      parentPort?.postMessage(engine.run(batch));
    } else {
      engine.close();
      parentPort?.close();
    }
  });
}

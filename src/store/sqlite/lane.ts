import { Worker } from 'node:worker_threads';
import { RackwrightError, describeError } from '../../errors.ts';
import type { Answers, Fault, Opened, Outcome, Request, WorkerSetup } from './protocol.ts';

/** Most requests in one transaction, so that no commit grows without bound. */
const maxBatch = 500;

/** Group commit: a way to the worker on which everything that arrives while a batch is under way goes as the next one. */
export interface Lane {
  send<R extends Request>(request: R): Promise<Answers[R['op']]>;
  /** Waits for what was sent, then ends the worker. */
  close(): Promise<void>;
}

/** The part of a worker that a lane needs. */
export interface Peer {
  post(batch: readonly Request[] | null): void;
  /** Outcomes of the batch that was posted last. */
  onOutcomes(listener: (outcomes: readonly Outcome[]) => void): void;
  /** Called once, when the worker has ended; with the error that ended it, if it was one. */
  onEnd(listener: (error?: unknown) => void): void;
}

interface Waiting {
  readonly request: Request;
  readonly resolve: (answer: never) => void;
  readonly reject: (error: unknown) => void;
}

/** A lane to a worker that has said that it is open. */
export function createLane(peer: Peer): Lane {
  let queue: Waiting[] = [];
  let underWay: readonly Waiting[] = [];
  let ended: unknown;
  let closing: PromiseWithResolvers<void> | undefined;

  const next = (): void => {
    if (underWay.length > 0 || ended !== undefined) return;
    underWay = queue.slice(0, maxBatch);
    queue = queue.slice(maxBatch);
    if (underWay.length > 0) peer.post(underWay.map((waiting) => waiting.request));
    else if (closing) peer.post(null);
  };

  peer.onOutcomes((outcomes) => {
    const settled = underWay;
    underWay = [];
    // Before settling: what the settled promises lead to goes into a later batch, without a pause between the two.
    next();
    settled.forEach((waiting, index) => {
      settle(waiting, outcomes[index]);
    });
  });
  peer.onEnd((error) => {
    ended = error ?? closedError();
    for (const waiting of [...underWay, ...queue]) waiting.reject(ended);
    underWay = [];
    queue = [];
    closing?.resolve();
  });

  return {
    send: (request) =>
      new Promise((resolve, reject) => {
        if (ended !== undefined || closing) {
          reject(toError(ended ?? closedError()));
          return;
        }
        queue.push({ request, resolve, reject });
        next();
      }),
    close: () => {
      if (ended !== undefined) return Promise.resolve();
      if (!closing) {
        closing = Promise.withResolvers();
        next();
      }
      return closing.promise;
    },
  };
}

function settle(waiting: Waiting, outcome: Outcome | undefined): void {
  if (outcome?.ok) waiting.resolve(outcome.answer as never);
  else waiting.reject(outcome ? errorOf(outcome.fault) : new RackwrightError('store', 'the worker gave no answer'));
}

function errorOf({ code, message, retryable }: Fault): RackwrightError {
  return new RackwrightError(code, message, { retryable });
}

function closedError(): RackwrightError {
  return new RackwrightError('store-closed', 'the store is closed');
}

function toError(error: unknown): Error {
  return error instanceof Error ? error : new Error(describeError(error));
}

/** Starts a worker thread and waits until it has opened the database; rejects with the reason where it could not. */
export async function openLane(setup: WorkerSetup): Promise<Lane> {
  const worker = new Worker(new URL('./worker.ts', import.meta.url), { workerData: setup });
  const opened = Promise.withResolvers<Opened>();
  let onOutcomes: (outcomes: readonly Outcome[]) => void = () => undefined;
  let isOpen = false;
  worker.on('message', (message: Opened | readonly Outcome[]) => {
    if (isOpen) onOutcomes(message as readonly Outcome[]);
    else opened.resolve(message as Opened);
    isOpen = true;
  });
  worker.on('error', opened.reject);
  const answer = await opened.promise;
  if (!answer.ok) {
    await worker.terminate();
    throw errorOf(answer.fault);
  }
  return createLane({
    post: (batch) => {
      worker.postMessage(batch);
    },
    onOutcomes: (listener) => {
      onOutcomes = listener;
    },
    onEnd: (listener) => {
      let fault: unknown;
      worker.once('error', (cause) => {
        fault = new RackwrightError('store-worker', `the thread of database ${setup.path} died: restart the server`, {
          cause,
        });
      });
      worker.once('exit', () => {
        listener(fault);
      });
    },
  });
}

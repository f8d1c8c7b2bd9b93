import type { Signal, SignalBody } from '../model/run.ts';
import type { Store } from '../store/collections.ts';
import type { RunSignal } from './advance.ts';
import type { Stepper } from './stepper.ts';

export type SignalAnswer = 'accepted' | 'repeated' | 'refused';

/** Signals are stored under an id of their own first, and consumed then: a crash between the two loses nothing. */
export interface Signals {
  /** Stores the signal as `<runId>/<id>` and consumes it. */
  readonly send: (runId: string, id: string, body: SignalBody) => Promise<SignalAnswer>;
  /** Consumes what was stored for the run and not consumed: after a crash there may be some. */
  readonly consumeStored: (runId: string) => Promise<void>;
}

export interface SignalsDeps {
  readonly store: Store;
  readonly stepper: Stepper;
  readonly now: () => Date;
}

export function createSignals({ store, stepper, now }: SignalsDeps): Signals {
  async function consume(signal: Signal): Promise<SignalAnswer> {
    const result = await stepper.step(signal.runId, asRunSignal(signal));
    await store.signals.delete(signal.id);
    if (result.run) return 'accepted';
    return result.refused === 'repeated' ? 'repeated' : 'refused';
  }

  return {
    send: async (runId, id, body) => {
      const signalId = `${runId}/${id}`;
      const inserted = await store.signals.insert({ id: signalId, runId, at: now().toISOString(), body });
      const signal = inserted.ok ? inserted.document : await store.signals.get(signalId);
      // Gone between the two: somebody consumed it just now.
      return signal ? consume(signal) : 'repeated';
    },
    consumeStored: async (runId) => {
      const { items } = await store.signals.find({ where: { runId }, sort: { field: 'createdAt', order: 'asc' } });
      for (const signal of items) await consume(signal);
    },
  };
}

function asRunSignal({ id, at, body }: Signal): RunSignal {
  return body.kind === 'session' || body.kind === 'callback' ? { ...body, id, at } : { ...body, id };
}

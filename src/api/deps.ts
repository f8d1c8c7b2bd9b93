import type { Log } from '../log.ts';
import type { Fact, FactKind, NewFact } from '../model/fact.ts';
import type { Node } from '../model/node.ts';
import type { Store } from '../store/collections.ts';
import type { Engine } from '../workflows/engine.ts';
import type { PowerAction, PowerResult } from '../workflows/job.ts';

/** Everything the admin API needs, piece by piece; made in app.ts, and by hand in tests. */
export interface ApiDeps {
  readonly store: Store;
  readonly engine: Pick<Engine, 'start' | 'cancel' | 'activeRun'>;
  readonly obm: {
    act(nodeId: string, action: PowerAction, signal: AbortSignal): Promise<PowerResult>;
  };
  /** Seals one secret for the store (`secrets/seal.ts`). */
  readonly seal: (plain: string) => string;
  readonly facts: ApiFacts;
  readonly why: ApiWhy;
  readonly definitions: ApiDefinitions;
  /** The configuration by RackHD's key names, secrets hidden. */
  readonly configView: () => Readonly<Record<string, unknown>>;
  /** Prometheus text. */
  readonly metrics: () => Promise<string>;
  readonly health: () => Promise<Health>;
  readonly log: Log;
  readonly now: () => Date;
  /** Aborted when the server drains: event streams end. */
  readonly draining?: AbortSignal;
}

/** The part of the fact log that the API uses. */
export interface ApiFacts {
  /** Stores decided facts; the same id again is no second fact. */
  append(facts: readonly NewFact[]): Promise<void>;
  /** Stored facts after `cursor` (the id of a fact), oldest first. */
  since(cursor: string | undefined, query: { kinds?: readonly FactKind[]; limit: number }): Promise<readonly Fact[]>;
  /** Calls `listener` with each fact once it is stored; the answer ends that. */
  subscribe(listener: (fact: Fact) => void): () => void;
}

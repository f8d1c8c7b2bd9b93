import type { FactLog } from '../events/log.ts';
import type { Images } from '../images/images.ts';
import type { Log } from '../log.ts';
import type { Fact } from '../model/fact.ts';
import type { Node } from '../model/node.ts';
import type { Obm } from '../obm/obm.ts';
import type { Sealer } from '../secrets/seal.ts';
import type { Store } from '../store/collections.ts';
import type { Diagnosis } from '../timeline/diagnose.ts';
import type { Definitions } from '../workflows/definitions.ts';
import type { Engine } from '../workflows/engine-interface.ts';

/** Everything the admin API needs, piece by piece; made in app.ts, and by hand in tests. */
export interface ApiDeps {
  readonly store: Store;
  readonly engine: Pick<Engine, 'start' | 'cancel' | 'activeRun'>;
  readonly obm: Pick<Obm, 'act'>;
  readonly sealer: Sealer;
  readonly images: Omit<Images, 'start' | 'stop'>;
  readonly facts: Pick<FactLog, 'append' | 'follow'>;
  readonly why: ApiWhy;
  readonly definitions: Omit<Definitions, 'libraryFor'>;
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

/** `timeline/why.ts`: what happened to a machine, and why it did not boot. */
export interface ApiWhy {
  /** The facts that belong to the machine, oldest first. */
  timeline(machine: Machine): Promise<readonly Fact[]>;
  /** The ranked causes, with evidence and the next check. */
  diagnosis(machine: Machine): Promise<Diagnosis>;
  /** Timeline and verdict as lines of plain text. */
  text(machine: Machine): Promise<string>;
}

/** A node; or a machine that is none yet, whose MAC stands as its id: those that never came to a script need `why` most. */
export type Machine = Pick<Node, 'id'>;

export interface Health {
  readonly ok: boolean;
  /** Part -> how it is, in words: `store`, `redis`, each role. */
  readonly parts: Readonly<Record<string, { readonly ok: boolean; readonly detail?: string }>>;
}

import type { Log } from '../log.ts';
import type { Fact, FactKind, NewFact } from '../model/fact.ts';
import type { GraphDefinition } from '../model/graph.ts';
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

/** `timeline/why.ts`: what happened to a node, and why it did not boot. */
export interface ApiWhy {
  /** The facts that belong to the node, oldest first. */
  timeline(node: Node): Promise<readonly Fact[]>;
  /** The ranked causes, with evidence and the next check. */
  diagnosis(node: Node): Promise<unknown>;
  /** Timeline and verdict as lines of plain text. */
  text(node: Node): Promise<string>;
}

export type PutResult =
  | { readonly ok: true }
  | { readonly ok: false; readonly message: string; readonly errors?: readonly string[] };

/** The library of graphs and tasks (`workflows/definitions.ts`): what ships with us and what users put beside it. */
export interface ApiDefinitions {
  graphs(): Promise<readonly GraphDefinition[]>;
  graph(name: string): Promise<GraphDefinition | undefined>;
  /** Checks and stores; a graph of the same name is replaced. */
  putGraph(definition: GraphDefinition): Promise<PutResult>;
  /** Whether there was one. */
  deleteGraph(name: string): Promise<boolean>;
  tasks(): Promise<readonly TaskDocument[]>;
  task(name: string): Promise<TaskDocument | undefined>;
  putTask(definition: TaskDocument): Promise<PutResult>;
  deleteTask(name: string): Promise<boolean>;
}

/** A task or base task, as RackHD writes it. */
export interface TaskDocument extends Readonly<Record<string, unknown>> {
  readonly injectableName: string;
}

export interface Health {
  readonly ok: boolean;
  /** Part -> how it is, in words: `store`, `redis`, each role. */
  readonly parts: Readonly<Record<string, { readonly ok: boolean; readonly detail?: string }>>;
}

import type { Document } from './document.ts';
import type { NewFact } from './fact.ts';
import type { FinishedState, GraphTask } from './graph.ts';
import type { NodeEvent } from './node-states.ts';

export type RunState = 'running' | 'succeeded' | 'failed' | 'cancelled';

/** `dispatched`: a worker should take it; `claimed`: one has it; `waiting`: for a signal, holding no worker. */
export type TaskState = 'pending' | 'dispatched' | 'claimed' | 'waiting' | FinishedState;

/** A worker's lease on an attempt. Writes of an attempt whose claim is not current are refused. */
export interface Claim {
  readonly member: string;
  /** ISO 8601; renewed while the job runs. */
  readonly until: string;
}

export interface RunTask {
  readonly state: TaskState;
  /** Counts from 1; grows when a claim expired and the task is tried again. */
  readonly attempt: number;
  /** RackHD's task instance id (UUID). */
  readonly instanceId: string;
  readonly claim?: Claim;
  /** Since when a waiting task waits; signals from then on count. */
  readonly waitingSince?: string;
  /** ISO 8601; passed: the task ends `timeout`. */
  readonly deadline?: string;
  readonly startedAt?: string;
  readonly endedAt?: string;
  /** Why it failed: a stable reason (`interrupted`, `timeout`, ...) and plain words. */
  readonly error?: { readonly reason: string; readonly message: string };
}

/** Facts and node events made known by a step; published by `due`, then dropped. Publishing twice does no harm. */
export type OutboxItem =
  | { readonly id: string; readonly kind: 'fact'; readonly fact: NewFact }
  | {
      readonly id: string;
      readonly kind: 'node-event';
      readonly nodeId: string;
      readonly event: NodeEvent;
      readonly reason?: string;
    };

/** One execution of a graph. Changes only by `advance` and one conditional write. */
export interface Run extends Document {
  /** RackHD's graph instance id (UUID): what its API's paths name. */
  readonly instanceId: string;
  readonly name: string;
  readonly injectableName: string;
  /** Id of the resolved definition (its hash) in `definitions`. */
  readonly definitionId: string;
  readonly nodeId?: string;
  /** The node's id while active, the run's own instanceId afterwards: unique, so a node has one active run. */
  readonly activeKey: string;
  readonly state: RunState;
  /** `active` while there is something due, `done` when ended and published: what the sweep looks for. */
  readonly sweepKey: 'active' | 'done';
  readonly context: Readonly<Record<string, unknown>>;
  readonly tasks: Readonly<Record<string, RunTask>>;
  /** Ids of the newest signals that were consumed, so that a repeat is recognised. */
  readonly consumed: readonly string[];
  readonly outbox: readonly OutboxItem[];
  readonly outboxSeq: number;
  /** The newest boot of the node seen by this run: tasks that wait for an agent look back at it. */
  readonly lastSession?: { readonly bootId: string; readonly at: string };
  readonly cancelReason?: string;
  readonly endedAt?: string;
}

/** A task with everything merged but the context: what the run executes. */
export interface ResolvedTask {
  readonly label: string;
  readonly taskName: string;
  readonly friendlyName: string;
  readonly runJob: string;
  readonly options: Readonly<Record<string, unknown>>;
  readonly properties: Readonly<Record<string, unknown>>;
  readonly waitOn: NonNullable<GraphTask['waitOn']>;
  readonly ignoreFailure: boolean;
  /** Milliseconds; undefined: no deadline. */
  readonly timeoutMs?: number;
  /** Copied from the job at resolve time, so that `advance` and `due` need no code. */
  readonly mode: 'effect' | 'wait';
  readonly onInterrupt: 'repeat' | 'verify' | 'fail';
}

export interface ResolvedGraph {
  readonly injectableName: string;
  readonly friendlyName: string;
  readonly options: Readonly<Record<string, unknown>>;
  readonly tasks: readonly ResolvedTask[];
}

/** Definitions in the store: users' graphs and tasks by name, and resolved graphs by hash. */
export interface StoredDefinition extends Document {
  readonly kind: 'graph' | 'task' | 'base-task' | 'resolved';
  /** injectableName, or the hash. */
  readonly name: string;
  readonly body: unknown;
}

/** What a task's attempt left behind (exit codes, ends of its output); kept apart from the run. */
export interface TaskOutput extends Document {
  readonly runId: string;
  readonly label: string;
  readonly attempt: number;
  readonly data: unknown;
}

/** Input to a run, stored with a deterministic id before anybody acts on it. */
export type SignalBody =
  | { readonly kind: 'session'; readonly bootId: string }
  | {
      readonly kind: 'report';
      readonly label: string;
      readonly attempt: number;
      readonly ok: boolean;
      readonly message?: string;
      readonly context?: Readonly<Record<string, unknown>>;
    }
  | { readonly kind: 'cancel'; readonly reason: string };

export interface Signal extends Document {
  readonly runId: string;
  /** ISO 8601. */
  readonly at: string;
  readonly body: SignalBody;
}

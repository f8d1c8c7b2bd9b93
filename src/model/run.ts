import type { Document } from './document.ts';
import type { NewFact } from './fact.ts';
import type { FinishedState, GraphTask } from './graph.ts';
import type { NodeEvent, NodePurpose } from './node-states.ts';

export type RunState = 'running' | 'succeeded' | 'failed' | 'cancelled';

/**
 * `dispatched`: a worker should take it; `claimed`: one has it; `waiting`: for a signal, holding no worker;
 * `unreachable`: what it waits for cannot happen any more, so it never ran.
 */
export type TaskState = 'pending' | 'dispatched' | 'claimed' | 'waiting' | FinishedState | 'unreachable';

/** A worker's lease on an attempt. Writes of an attempt whose claim is not current are refused. */
export interface Claim {
  readonly member: string;
  /** ISO 8601; renewed while the job runs. */
  readonly until: string;
}

export interface RunTask {
  readonly state: TaskState;
  /** 0 before it began, then counts from 1; grows when an attempt was interrupted and is made again. */
  readonly attempt: number;
  /** RackHD's task instance id (UUID). */
  readonly instanceId: string;
  /** There while a worker may be acting: also after the task was ended from outside, until the worker let go. */
  readonly claim?: Claim;
  /** This attempt follows an interrupted one and looks first whether that took effect. */
  readonly verify?: true;
  /** The boot whose agent took this attempt. */
  readonly takenBy?: string;
  /** Since when a waiting task waits; signals from then on count. */
  readonly waitingSince?: string;
  /** ISO 8601; passed: the task ends `timeout`. */
  readonly deadline?: string;
  readonly startedAt?: string;
  readonly endedAt?: string;
  /** Why it failed: a stable reason (`interrupted`, `timeout`, ...) and plain words. */
  readonly error?: { readonly reason: string; readonly message: string };
}

/** A fact whose id and moment were decided with the write that carries it. */
export type DecidedFact = NewFact & { readonly id: string; readonly at: string };

/**
 * Facts and node events made known by a step; published in the order of `seq`, then dropped. `id` is `<run>/<seq>`:
 * publishing twice does no harm.
 */
export type OutboxItem =
  | { readonly id: string; readonly seq: number; readonly kind: 'fact'; readonly fact: DecidedFact }
  | {
      readonly id: string;
      readonly seq: number;
      readonly kind: 'node-event';
      readonly nodeId: string;
      readonly event: NodeEvent;
      readonly reason?: string;
    };

/** A call from outside: the installed system, most often. */
export interface Callback {
  readonly ok: boolean;
  /** Why not, where not. */
  readonly message?: string;
  /** Merged into the run's context where `ok`. */
  readonly context?: Readonly<Record<string, unknown>>;
}

/** `at`: ISO 8601. */
export type CallbackReceived = Callback & { readonly at: string };

/** One execution of a graph. Changes only by `advance` and one conditional write. */
export interface Run extends Document {
  /** RackHD's graph instance id (UUID): what its API's paths name. */
  readonly instanceId: string;
  readonly name: string;
  readonly injectableName: string;
  /** Id of the resolved definition (its hash) in `definitions`. */
  readonly definitionId: string;
  readonly nodeId?: string;
  /**
   * The node's id until the run has ended, is published and no worker acts for it any more; the run's own instanceId
   * afterwards. Unique, so a node has one active run.
   */
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
  /** The newest call from outside of each name: tasks that wait for one look back at it. */
  readonly callbacks?: Readonly<Record<string, CallbackReceived>>;
  /** Why it failed or was cancelled. */
  readonly error?: { readonly label?: string; readonly reason: string; readonly message: string };
  readonly endedAt?: string;
}

/** A task with everything merged and rendered but the context: what the run executes. */
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
  /** What a wait ends by: the agent's session, its report, or a call from outside that has a name. */
  readonly awaits?: 'session' | 'report' | 'callback';
  /** With `callback`: the name of the call. */
  readonly callback?: string;
  readonly onInterrupt: 'repeat' | 'verify' | 'fail';
}

export interface ResolvedGraph {
  readonly injectableName: string;
  readonly friendlyName: string;
  readonly options: Readonly<Record<string, unknown>>;
  /** Runs of it move their node's state: what they are to it. */
  readonly nodeEvents?: NodePurpose;
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
      /** A stable word for the failure; `agent` where absent. */
      readonly reason?: string;
      readonly message?: string;
      readonly context?: Readonly<Record<string, unknown>>;
      /** The agent was ended in the middle of it: the task's `onInterrupt` says what follows. */
      readonly interrupted?: true;
    }
  | ({ readonly kind: 'callback'; readonly name: string } & Callback)
  | { readonly kind: 'cancel'; readonly reason: string };

export interface Signal extends Document {
  readonly runId: string;
  /** ISO 8601. */
  readonly at: string;
  readonly body: SignalBody;
}

import type { BootProfile } from '../model/boot-profile.ts';
import type { Callback, Run, SignalBody } from '../model/run.ts';
import type { AgentCommand, AgentWork, Bag, CommandResult, TaskOutcome } from './job.ts';

export interface StartRequest {
  /** injectableName of a graph. */
  readonly graph: string;
  readonly nodeId?: string;
  /** RackHD's form: `{ defaults: {..}, <label>: {..} }`, deep-merged over the graph's own. */
  readonly options?: Bag;
  readonly context?: Bag;
}

export type StartResult =
  | { readonly ok: true; readonly run: Run }
  | {
      readonly ok: false;
      readonly reason: 'unknown-graph' | 'invalid' | 'busy';
      readonly message: string;
      /** For `invalid`: everything that is wrong, each naming its task and option. */
      readonly errors?: readonly string[];
    };

/** Work for an agent, with secrets resolved: for the wire, never for the store or a log. */
export interface AgentWorkItem {
  readonly runId: string;
  readonly label: string;
  readonly attempt: number;
  readonly commands: readonly AgentCommand[];
  readonly environment: Readonly<Record<string, string>>;
  readonly timeoutSeconds: number;
  readonly stopOnError?: boolean;
  readonly then?: 'reboot' | 'power-off';
}

/** An open attempt as the report's reader needs it: whose it is, which codes it accepts, which catalogs it brings. */
export interface AgentAttempt {
  readonly nodeId: string;
  readonly work: AgentWork;
  /** What outputs that are as they should be mean to the task. */
  readonly conclude: (results: readonly CommandResult[]) => TaskOutcome;
}

export interface AttemptId {
  readonly runId: string;
  readonly label: string;
  readonly attempt: number;
}

export interface AttemptReport {
  readonly ok: boolean;
  /** A stable word for the failure; `agent` where absent. */
  readonly reason?: string;
  readonly message?: string;
  /** The agent was ended in the middle of it: the task's `onInterrupt` says whether it is made again. */
  readonly interrupted?: true;
  /** Merged into the run's context where `ok`. */
  readonly context?: Bag;
  /** Kept in `taskOutputs`. */
  readonly output?: unknown;
}

/** `accepted` now, `repeated` (accepted before: answer as then), or `stale` (no such open attempt: the agent drops it). */
export type ReportAnswer = 'accepted' | 'repeated' | 'stale';

/** Told after each saved step of a run. */
export interface RunEvent {
  readonly run: Run;
}

/** The workflow engine, as everybody but the worker sees it. */
export interface Engine {
  /** Starts a run. One active run a node: `busy` otherwise. */
  readonly start: (request: StartRequest) => Promise<StartResult>;
  /** Stores the signal under `<runId>/<id>`, then consumes it. `repeated`: it was consumed before. */
  readonly signal: (runId: string, id: string, body: SignalBody) => Promise<'accepted' | 'repeated' | 'refused'>;
  /** An agent of the node's boot exchanged its identity. Harmless where no run is active. */
  readonly session: (nodeId: string, bootId: string) => Promise<void>;
  readonly cancel: (runId: string, reason: string) => Promise<'accepted' | 'repeated' | 'refused'>;
  readonly activeRun: (nodeId: string) => Promise<Run | undefined>;
  /** What the agent of this boot is to do now; the same attempt again, while it was not reported. */
  readonly workFor: (nodeId: string, bootId: string) => Promise<AgentWorkItem | undefined>;
  /** The attempt, if it is open. */
  readonly attempt: (runId: string, label: string, attempt: number) => Promise<AgentAttempt | undefined>;
  /** The result of an agent's attempt `<runId>/<label>/<attempt>`. */
  readonly report: (id: AttemptId, report: AttemptReport) => Promise<ReportAnswer>;
  /** A call from outside of this name for the run: once; again it is `repeated`. `refused`: the run has ended. */
  readonly callback: (runId: string, name: string, call: Callback) => Promise<'accepted' | 'repeated' | 'refused'>;
  /** What the node's active run wants it to boot; undefined: nothing in particular. */
  readonly bootProfileFor: (nodeId: string) => Promise<BootProfile | undefined>;
  /** Resolves at the next change of the node's run, when `signal` is aborted, or after a short while: then ask again. */
  readonly changed: (nodeId: string, signal: AbortSignal) => Promise<void>;
  /** Calls `listener` after each saved step; the answer ends that. */
  readonly on: (listener: (event: RunEvent) => void) => () => void;
}

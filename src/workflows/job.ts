import type { z } from 'zod';
import type { Prepared, PrepareInput } from '../deployment/prepare.ts';
import type { BootProfile } from '../model/boot-profile.ts';
import type { RecordFact } from '../model/fact.ts';
import type { Node } from '../model/node.ts';
import type { Store } from '../store/collections.ts';

/**
 * What a job is: the code behind a base task's `runJob`. An *effect* job is run by a worker under a claim; a *wait* job
 * holds no worker and ends by a signal (the agent's session, the agent's report).
 */

export type Bag = Readonly<Record<string, unknown>>;

/**
 * What to do with an attempt whose worker vanished (or whose node booted anew): `repeat` it, `verify` first whether it
 * took effect, or end it `failed` with reason `interrupted`.
 */
export type OnInterrupt = 'repeat' | 'verify' | 'fail';

/** How an attempt ended. `reason` is a stable word (`no-obm`, `timeout`), `message` plain words for the operator. */
export type TaskOutcome =
  | {
      readonly ok: true;
      /** Merged into the run's context, key by key. Never secrets. */
      readonly context?: Bag;
      /** Kept in `taskOutputs`, apart from the run. */
      readonly output?: unknown;
    }
  | { readonly ok: false; readonly reason: string; readonly message: string; readonly output?: unknown };

export type PowerAction =
  | 'powerOn'
  | 'powerOff'
  | 'powerCycle'
  | 'reset'
  | 'soft'
  | 'powerStatus'
  | 'setBootPxe'
  | 'setBootDisk'
  | 'identifyOn'
  | 'identifyOff'
  | 'mcResetCold'
  | 'clearSEL';

export type PowerResult =
  | { readonly ok: true; readonly output?: string; readonly power?: 'on' | 'off' }
  | {
      readonly ok: false;
      readonly reason: 'no-obm' | 'unreachable' | 'refused' | 'auth' | 'timeout';
      readonly message: string;
    };

/** What effect jobs may use; made in app.ts. Narrow, so that a test can write each by hand. */
export interface Services {
  readonly store: Store;
  readonly obm: {
    /** Sends one command to the node's BMC. The worker adds a deadline that ends before the claim does. */
    act(nodeId: string, action: PowerAction, signal: AbortSignal): Promise<PowerResult>;
  };
  /** Our own user on a node's BMC: proposed, set in band by the agent, then proven by a login over LAN. */
  readonly bmc: {
    /** Makes and seals a password, state *proposed*; one that is still proposed is kept (a repeat changes nothing). */
    propose(nodeId: string): Promise<{ readonly user: string }>;
    /** Logs in at `address` with the node's proposed user; on success it is *proven* and the node's OBM is stored. */
    prove(
      nodeId: string,
      address: string,
      signal: AbortSignal,
    ): Promise<{ readonly ok: true } | { readonly ok: false; readonly reason: string; readonly message: string }>;
  };
  /** What a deploy begins with. */
  readonly deploy: {
    readonly prepare: (input: PrepareInput) => Promise<Prepared>;
    /** The plain text of a request that our API sealed. Throws where the key is another. */
    readonly open: (sealed: string) => string;
  };
  readonly record: RecordFact;
  readonly secrets: {
    /** The plain text of one of the node's secrets (`bmc-user`, `bmc-password`); undefined where there is none. */
    resolve(nodeId: string, name: string): Promise<string | undefined>;
  };
}

/** What an attempt is handed. `signal` is aborted at the task's deadline, and when the claim or the run was lost. */
export interface EffectInput<Options> {
  readonly runId: string;
  readonly label: string;
  readonly attempt: number;
  /** The run's node; undefined for runs without one. */
  readonly node: Node | undefined;
  readonly options: Options;
  /** A copy: changes are made by `TaskOutcome.context`. */
  readonly context: Bag;
  readonly signal: AbortSignal;
  readonly services: Services;
  readonly now: () => Date;
}

/** Run by a worker. Must settle soon after its signal was aborted. */
export interface EffectJob<Options = Bag> {
  readonly runJob: string;
  readonly mode: 'effect';
  readonly onInterrupt: OnInterrupt | ((options: Bag) => OnInterrupt);
  /** Parses the rendered options; unknown keys must be let through (RackHD's definitions carry many). */
  readonly options: z.ZodType<Options>;
  run(input: EffectInput<Options>): Promise<TaskOutcome>;
  /** With `onInterrupt: 'verify'`: how the interrupted attempt ended, or `repeat` where it did not take effect. */
  verify?(input: EffectInput<Options>): Promise<TaskOutcome | 'repeat'>;
}

/** One line for the agent's `sh -c`. `downloadUrl` is fetched to the working directory first, mode 0555. */
export interface AgentCommand {
  readonly command: string;
  /** What messages call it; its first line where absent. */
  readonly title?: string;
  readonly downloadUrl?: string;
  /** Exit codes that count as success; default: 0. */
  readonly acceptedResponseCodes?: readonly number[];
  /** For this command, where it may take less than its task. */
  readonly timeoutSeconds?: number;
  /** It may end as it likes: neither the task nor the commands after it depend on it. */
  readonly ignoreFailure?: boolean;
  /** The output is a catalog of this source. `json`, `xml` and `raw` are RackHD's words; `auto`: the source's own parser. */
  readonly catalog?: { readonly source: string; readonly format: 'json' | 'xml' | 'raw' | 'auto' };
}

/** What the agent is to do for one attempt. */
export interface AgentWork {
  readonly commands: readonly AgentCommand[];
  /** Values for the commands' environment; a secret is resolved at the hand-over and is never stored. */
  readonly environment?: Readonly<Record<string, string | { readonly secret: string }>>;
  /** The first command whose exit code is not accepted ends the list. */
  readonly stopOnError?: boolean;
  /** Done by the agent after its report was accepted. */
  readonly then?: 'reboot' | 'power-off';
}

/** What one command of an agent's work left behind. */
export interface CommandResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  /** It was killed at its deadline. */
  readonly timedOut?: boolean | undefined;
  /** More was printed than the agent keeps: what is here is the beginning. */
  readonly truncated?: boolean | undefined;
  /** The agent was ended in the middle of it, and cannot say what it did. */
  readonly interrupted?: boolean | undefined;
}

interface WaitJobBase<Options> {
  readonly runJob: string;
  readonly mode: 'wait';
  readonly options: z.ZodType<Options>;
}

/** Waits for the node to boot: ends when an agent exchanges its identity for a session. */
export interface SessionJob<Options = Bag> extends WaitJobBase<Options> {
  readonly awaits: 'session';
  /** What the node boots while this task, or one that needs its agent, is open. */
  boots(options: Options): BootProfile;
}

/** Waits for the agent's report on work that the agent fetches. */
export interface AgentJob<Options = Bag> extends WaitJobBase<Options> {
  readonly awaits: 'report';
  /** What to do when the node boots anew after its agent took the attempt. */
  readonly onInterrupt: 'repeat' | 'fail';
  agentWork(options: Options, context: Bag): AgentWork;
  /** What the outputs mean, once every command ended as it should; without it they mean success. Hostile input: pure. */
  conclude?(results: readonly CommandResult[], options: Options, context: Bag): TaskOutcome;
}

/** Waits for a call from outside (the installed system's), which may have come since the tasks before it began. */
export interface CallbackJob<Options = Bag> extends WaitJobBase<Options> {
  readonly awaits: 'callback';
  readonly callback: string;
}

export type WaitJob<Options = Bag> = SessionJob<Options> | AgentJob<Options> | CallbackJob<Options>;
export type Job = EffectJob<never> | WaitJob<never>;

/** Types a job by its options' schema. Lists of jobs forget the type; the job's own schema guards what it is handed. */
export function defineJob<Options>(job: EffectJob<Options> | WaitJob<Options>): Job {
  const forget: unknown = job;
  return forget as Job;
}

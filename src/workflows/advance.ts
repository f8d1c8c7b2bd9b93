import type { CallbackReceived, ResolvedGraph, ResolvedTask, Run, RunTask } from '../model/run.ts';
import type { Bag } from './job.ts';
import {
  after,
  deadlineOf,
  endByCallback,
  endRun,
  endTask,
  interrupt,
  postponeUntaken,
  resolvedOf,
  setTask,
  settle,
  startRun,
  taskOf,
  tellTask,
  without,
  type Step,
} from './step.ts';
import { hasEnded } from './waits.ts';

/**
 * The only way a run changes: `advance(run, graph, signal, now)`, pure. What must happen because of the new document is
 * not said here; `due` reads it off the document.
 */

interface OfAttempt {
  readonly label: string;
  readonly attempt: number;
}

export type FinishOutcome =
  | { readonly ok: true; readonly context?: Bag }
  | { readonly ok: false; readonly reason: string; readonly message: string; readonly timeout?: true };

export type RunSignal =
  | { readonly kind: 'start' }
  | ({ readonly kind: 'claim'; readonly member: string; readonly until: string } & OfAttempt)
  | ({ readonly kind: 'renew'; readonly member: string; readonly until: string } & OfAttempt)
  /** From a worker with its `member`; without one for a waiting task that the engine found it cannot carry out. */
  | ({ readonly kind: 'finish'; readonly member?: string; readonly outcome: FinishOutcome } & OfAttempt)
  /** With `lost`: that member is gone, so its claim counts no more though it has not run out. */
  | ({ readonly kind: 'claim-expired'; readonly lost?: string } & OfAttempt)
  | ({ readonly kind: 'deadline' } & OfAttempt)
  /** The agent of `bootId` was handed the attempt. */
  | ({ readonly kind: 'taken'; readonly bootId: string } & OfAttempt)
  | { readonly kind: 'session'; readonly id: string; readonly bootId: string; readonly at: string }
  | ({
      readonly kind: 'report';
      readonly id: string;
      readonly ok: boolean;
      readonly reason?: string;
      readonly message?: string;
      readonly context?: Bag;
      readonly interrupted?: true;
    } & OfAttempt)
  | ({ readonly kind: 'callback'; readonly id: string; readonly name: string } & CallbackReceived)
  | { readonly kind: 'cancel'; readonly id: string; readonly reason: string }
  /** Everything in the outbox up to `upTo` was published. */
  | { readonly kind: 'published'; readonly upTo: number };

export type Refusal =
  /** This stored signal was consumed before. */
  | 'repeated'
  /** The attempt is not, or no longer, in the state that the signal is for. */
  | 'stale'
  /** The run has ended. */
  | 'ended';

export type Advance =
  { readonly run: Run; readonly refused?: never } | { readonly refused: Refusal; readonly run?: never };

/** So many consumed ids are remembered: more than a node can have under way in one run. */
const rememberedSignals = 64;

/** The run after the signal, or why the signal changes nothing. */
export function advance(run: Run, graph: ResolvedGraph, signal: RunSignal, now: Date): Advance {
  if ('id' in signal && run.consumed.includes(signal.id)) return { refused: 'repeated' };
  const step: Step = { run, graph, now };
  const refused = apply(step, signal);
  if (refused) return { refused };
  if ('id' in signal) {
    step.run = { ...step.run, consumed: [...step.run.consumed, signal.id].slice(-rememberedSignals) };
  }
  settle(step);
  return { run: step.run };
}

function apply(step: Step, signal: RunSignal): Refusal | undefined {
  switch (signal.kind) {
    case 'start':
      if (step.run.outboxSeq > 0) return 'repeated';
      startRun(step);
      return undefined;
    case 'session':
      return session(step, signal);
    case 'callback':
      return callback(step, signal);
    case 'cancel':
      if (step.run.state !== 'running') return 'ended';
      endRun(step, 'cancelled', { reason: 'cancelled', message: signal.reason });
      return undefined;
    case 'published':
      return published(step, signal.upTo);
    default:
      return ofAttempt(step, signal);
  }
}

type AttemptSignal = Extract<RunSignal, OfAttempt>;

/** The attempt that a signal is about: its task as it is now, and as it was resolved. */
interface Current {
  readonly task: RunTask;
  readonly resolved: ResolvedTask;
}

function ofAttempt(step: Step, signal: AttemptSignal): Refusal | undefined {
  const task = taskOf(step, signal.label);
  const resolved = resolvedOf(step, signal.label);
  if (!task || !resolved || task.attempt !== signal.attempt) return 'stale';
  const current = { task, resolved };
  switch (signal.kind) {
    case 'claim':
      return claim(step, current, signal);
    case 'renew':
      if (task.state !== 'claimed' || task.claim?.member !== signal.member) return 'stale';
      setTask(step, signal.label, { ...task, claim: { member: signal.member, until: signal.until } });
      return undefined;
    case 'finish':
      return finish(step, current, signal);
    case 'claim-expired':
      return claimExpired(step, current, signal.lost);
    case 'deadline':
      return deadline(step, current);
    case 'taken':
      return taken(step, current, signal.bootId);
    case 'report':
      return report(step, current, signal);
  }
}

function claim(
  step: Step,
  { task, resolved }: Current,
  signal: { member: string; until: string },
): Refusal | undefined {
  if (task.state !== 'dispatched') return 'stale';
  const startedAt = task.startedAt ?? step.now.toISOString();
  const { member, until } = signal;
  setTask(step, resolved.label, {
    ...task,
    state: 'claimed',
    claim: { member, until },
    startedAt,
    ...deadlineOf(step, resolved),
  });
  tellTask(step, resolved.label, 'began');
  return undefined;
}

function finish(
  step: Step,
  { task, resolved }: Current,
  signal: { member?: string; outcome: FinishOutcome },
): Refusal | undefined {
  const { member, outcome } = signal;
  if (member === undefined ? task.state !== 'waiting' : task.claim?.member !== member) return 'stale';
  setTask(step, resolved.label, without(task, 'claim'));
  // A task that was ended from outside only loses its claim: the worker has let go.
  if (hasEnded(task.state)) return undefined;
  if (outcome.ok) endTask(step, resolved.label, { ...outcome, state: 'succeeded' });
  else endTask(step, resolved.label, { ...outcome, state: outcome.timeout ? 'timeout' : 'failed' });
  return undefined;
}

function claimExpired(step: Step, { task, resolved }: Current, lost: string | undefined): Refusal | undefined {
  const { claim } = task;
  if (!claim || (claim.member !== lost && claim.until > step.now.toISOString())) return 'stale';
  if (hasEnded(task.state)) setTask(step, resolved.label, without(task, 'claim'));
  else
    interrupt(step, resolved, task, lost === undefined ? 'its worker did not renew its claim' : 'its worker is gone');
  return undefined;
}

function deadline(step: Step, { task, resolved }: Current): Refusal | undefined {
  if (task.state !== 'claimed' && task.state !== 'waiting') return 'stale';
  if (task.deadline === undefined || task.deadline > step.now.toISOString()) return 'stale';
  const seconds = Math.round((resolved.timeoutMs ?? 0) / 1000);
  const message = `${overdue[resolved.awaits ?? 'report']} within ${seconds} s`;
  endTask(step, resolved.label, { state: 'timeout', reason: 'timeout', message });
  return undefined;
}

const overdue = {
  session: 'the node did not boot into the agent',
  report: 'it did not end',
  callback: 'nobody called',
} as const;

function taken(step: Step, { task, resolved }: Current, bootId: string): Refusal | undefined {
  if (task.state !== 'waiting' || resolved.awaits !== 'report') return 'stale';
  if (task.takenBy === bootId) return 'repeated';
  setTask(step, resolved.label, { ...task, takenBy: bootId, ...deadlineOf(step, resolved) });
  postponeUntaken(step, resolved.label, after(step.now, resolved.timeoutMs ?? 0));
  return undefined;
}

function report(
  step: Step,
  { task, resolved }: Current,
  signal: { ok: boolean; reason?: string; message?: string; context?: Bag; interrupted?: true },
): Refusal | undefined {
  if (task.state !== 'waiting' || resolved.awaits !== 'report') return 'stale';
  const { ok, reason = 'agent', message = 'the agent reported a failure', context } = signal;
  if (signal.interrupted) interrupt(step, resolved, task, message);
  else if (ok) endTask(step, resolved.label, { state: 'succeeded', ...(context ? { context } : {}) });
  else endTask(step, resolved.label, { state: 'failed', reason, message });
  return undefined;
}

/** Somebody called: who waits for it has what it waited for, who comes to wait for it looks back. */
function callback(step: Step, signal: { name: string } & CallbackReceived): Refusal | undefined {
  if (step.run.state !== 'running') return 'ended';
  const { name, at, ok, message, context } = signal;
  const received: CallbackReceived = {
    at,
    ok,
    ...(message === undefined ? {} : { message }),
    ...(context && { context }),
  };
  step.run = { ...step.run, callbacks: { ...step.run.callbacks, [name]: received } };
  for (const resolved of step.graph.tasks) {
    if (resolved.callback === name && taskOf(step, resolved.label)?.state === 'waiting') endByCallback(step, resolved);
  }
  return undefined;
}

/** The node booted: waits for that end, and what an earlier boot's agent had taken was interrupted. */
function session(step: Step, signal: { bootId: string; at: string }): Refusal | undefined {
  if (step.run.state !== 'running') return 'ended';
  const { bootId, at } = signal;
  if (at >= (step.run.lastSession?.at ?? '')) step.run = { ...step.run, lastSession: { bootId, at } };
  for (const resolved of step.graph.tasks) {
    const task = taskOf(step, resolved.label);
    if (task?.state !== 'waiting') continue;
    if (resolved.awaits === 'session') {
      if (at >= (task.waitingSince ?? '')) endTask(step, resolved.label, { state: 'succeeded' });
    } else if (task.takenBy !== undefined && task.takenBy !== bootId) {
      interrupt(step, resolved, task, 'the node booted anew while its agent had the task');
    }
  }
  return undefined;
}

function published(step: Step, upTo: number): Refusal | undefined {
  const outbox = step.run.outbox.filter(({ seq }) => seq > upTo);
  if (outbox.length === step.run.outbox.length) return 'stale';
  step.run = { ...step.run, outbox };
  return undefined;
}

import type { NewFact } from '../model/fact.ts';
import type { FinishedState } from '../model/graph.ts';
import type { NodeEvent } from '../model/node-states.ts';
import type { DecidedFact, OutboxItem, ResolvedGraph, ResolvedTask, Run, RunTask } from '../model/run.ts';
import type { Bag } from './job.ts';
import { isBag } from './options.ts';
import { render } from './render.ts';
import { hasEnded, readiness, waitedLabels } from './waits.ts';

/** The moves that `advance` is made of. A step owns its copy of the run; nothing here reads a clock or does I/O. */
export interface Step {
  run: Run;
  readonly graph: ResolvedGraph;
  readonly now: Date;
}

/** After so many interruptions an attempt is not made again: what it does may be what kills the server. */
const maxAttempts = 5;

/** How a task ended, as `endTask` is told. */
export interface Ending {
  readonly state: FinishedState;
  readonly reason?: string;
  readonly message?: string;
  readonly context?: Bag;
}

export function taskOf(step: Step, label: string): RunTask | undefined {
  return Object.hasOwn(step.run.tasks, label) ? step.run.tasks[label] : undefined;
}

export function resolvedOf(step: Step, label: string): ResolvedTask | undefined {
  return step.graph.tasks.find((task) => task.label === label);
}

export function setTask(step: Step, label: string, task: RunTask): void {
  step.run = { ...step.run, tasks: { ...step.run.tasks, [label]: task } };
}

/** The task without the named keys. */
export function without<K extends keyof RunTask>(task: RunTask, ...keys: K[]): Omit<RunTask, K> {
  return Object.fromEntries(Object.entries(task).filter(([key]) => !(keys as string[]).includes(key))) as Omit<
    RunTask,
    K
  >;
}

export function after(now: Date, milliseconds: number): string {
  return new Date(now.getTime() + milliseconds).toISOString();
}

/** Adds a decided fact to what this step makes known. */
export function tell(step: Step, kind: NewFact['kind'], text: string, data: Bag): void {
  const { run, now } = step;
  const id = nextId(run);
  const node = run.nodeId === undefined ? {} : { nodeId: run.nodeId };
  const fact: DecidedFact = { id, kind, how: 'self', text, at: now.toISOString(), runId: run.id, ...node, data };
  push(step, { id, seq: run.outboxSeq + 1, kind: 'fact', fact });
}

function tellNode(step: Step, event: NodeEvent, reason?: string): void {
  const { run, graph } = step;
  if (!graph.nodeEvents || run.nodeId === undefined) return;
  const because = reason === undefined ? {} : { reason };
  push(step, { id: nextId(run), seq: run.outboxSeq + 1, kind: 'node-event', nodeId: run.nodeId, event, ...because });
}

function nextId(run: Run): string {
  return `${run.id}/${run.outboxSeq + 1}`;
}

function push(step: Step, item: OutboxItem): void {
  step.run = { ...step.run, outbox: [...step.run.outbox, item], outboxSeq: item.seq };
}

/** A run's first step: makes it known and begins what waits on nothing. */
export function startRun(step: Step): void {
  const { friendlyName, injectableName } = step.graph;
  tell(step, 'run.started', `workflow '${friendlyName}' began`, { graph: injectableName });
  if (step.graph.nodeEvents) tellNode(step, step.graph.nodeEvents);
}

/** Brings the run to where nothing more follows from what is known; every signal ends with it. */
export function settle(step: Step): void {
  while (step.run.state === 'running' && beginOrDropOne(step));
  const { run } = step;
  if (run.state === 'running' && Object.values(run.tasks).every(({ state }) => hasEnded(state))) {
    endRun(step, 'succeeded');
  }
  closeRun(step);
}

/** An ended run that is published, and for which no worker acts any more, lets go of its node. */
function closeRun(step: Step): void {
  const { run } = step;
  if (run.state === 'running' || run.outbox.length > 0 || run.sweepKey === 'done') return;
  if (Object.values(run.tasks).some(({ claim }) => claim !== undefined)) return;
  step.run = { ...run, sweepKey: 'done', activeKey: run.instanceId };
}

/** What waiters see: an ended task whose worker has not let go yet is still open, lest two act on one node. */
function settledState(task: RunTask | undefined): RunTask['state'] | undefined {
  return task?.claim ? 'claimed' : task?.state;
}

function beginOrDropOne(step: Step): boolean {
  for (const resolved of step.graph.tasks) {
    const task = taskOf(step, resolved.label);
    if (task?.state !== 'pending') continue;
    const ready = readiness(resolved.waitOn, (label) => settledState(taskOf(step, label)));
    if (ready === 'open') continue;
    if (ready === 'ready') beginTask(step, resolved, task);
    else setTask(step, resolved.label, { ...task, state: 'unreachable' });
    return true;
  }
  return false;
}

function beginTask(step: Step, resolved: ResolvedTask, task: RunTask): void {
  const { label } = resolved;
  if (resolved.mode === 'effect') {
    setTask(step, label, { ...task, state: 'dispatched', attempt: 1 });
    return;
  }
  const since = waitsSince(step, resolved);
  const startedAt = step.now.toISOString();
  const waiting: RunTask = { ...task, state: 'waiting', attempt: 1, waitingSince: since, startedAt };
  setTask(step, label, { ...waiting, ...deadlineOf(step, resolved) });
  tellTask(step, label, 'began');
  const rendered = render(resolved.options, taskScope(step.run, label, resolved.options));
  if (!rendered.ok) {
    const message = rendered.errors.map((error) => `option '${error.at}': ${error.message}`).join('; ');
    endTask(step, label, { state: 'failed', reason: 'options', message });
    return;
  }
  const { lastSession } = step.run;
  if (resolved.awaits === 'session' && lastSession && lastSession.at >= since) {
    endTask(step, label, { state: 'succeeded' });
  }
  if (resolved.awaits === 'callback') endByCallback(step, resolved);
}

/** Ends a task that waits for a call from outside, if the call came since the task waits. */
export function endByCallback(step: Step, { label, callback = '' }: ResolvedTask): void {
  const received = step.run.callbacks?.[callback];
  if (!received || received.at < (taskOf(step, label)?.waitingSince ?? '')) return;
  const { ok, message = 'the call said that it failed', context } = received;
  if (ok) endTask(step, label, { state: 'succeeded', ...(context && { context }) });
  else endTask(step, label, { state: 'failed', reason: callback, message });
}

/** What `{{ }}` of a task may name while the run goes on. */
export function taskScope(run: Run, label: string, options: Bag): Bag {
  const task = { nodeId: run.nodeId, instanceId: run.tasks[label]?.instanceId };
  return { options, context: run.context, task };
}

/**
 * Signals count from when the last of the tasks waited for began: a node that was told to reboot may be back before the
 * task that told it has ended.
 */
function waitsSince(step: Step, resolved: ResolvedTask): string {
  const started = waitedLabels(resolved.waitOn).map(({ label }) => taskOf(step, label)?.startedAt ?? '');
  return [step.run.createdAt, ...started].reduce((latest, at) => (at > latest ? at : latest));
}

export function deadlineOf(step: Step, resolved: ResolvedTask): { deadline?: string } {
  return resolved.timeoutMs === undefined ? {} : { deadline: after(step.now, resolved.timeoutMs) };
}

/**
 * An agent does one thing after the other, so a task's time runs while the agent has it. The others, not taken yet, are
 * given until `from` plus their own time: they end `timeout` only if the agent stays away.
 */
export function postponeUntaken(step: Step, except: string, from: string): void {
  for (const resolved of step.graph.tasks) {
    const task = taskOf(step, resolved.label);
    if (resolved.label === except || resolved.awaits !== 'report' || resolved.timeoutMs === undefined) continue;
    if (task?.state !== 'waiting' || task.takenBy !== undefined) continue;
    const deadline = after(new Date(from), resolved.timeoutMs);
    if (deadline > (task.deadline ?? '')) setTask(step, resolved.label, { ...task, deadline });
  }
}

/** Ends a task, merges its context where it succeeded, and ends the run where a failure is nobody's to handle. */
export function endTask(step: Step, label: string, ending: Ending): void {
  const task = taskOf(step, label);
  if (!task || hasEnded(task.state)) return;
  const { state, reason = state, message = `the task ended ${state}` } = ending;
  const error = state === 'succeeded' ? {} : { error: { reason, message } };
  const kept = without(task, 'deadline', 'takenBy', 'verify');
  setTask(step, label, { ...kept, state, endedAt: step.now.toISOString(), ...error });
  if (state === 'succeeded' && ending.context) {
    step.run = { ...step.run, context: { ...step.run.context, ...ending.context } };
  }
  tellTask(step, label, state, state === 'succeeded' ? undefined : { reason, message });
  if (resolvedOf(step, label)?.awaits === 'report') postponeUntaken(step, label, step.now.toISOString());
  if (state !== 'succeeded' && step.run.state === 'running' && !isForgiven(step.graph, label, state)) {
    endRun(step, 'failed', { label, reason, message: `task '${label}' ${state}: ${message}` });
  }
}

/** Whether a task's bad end is not the run's: it says so itself, or another task waits for just that. */
function isForgiven(graph: ResolvedGraph, label: string, state: FinishedState): boolean {
  const waiters = graph.tasks.flatMap(({ waitOn }) => waitedLabels(waitOn)).filter((waited) => waited.label === label);
  const handled = waiters.some(({ states }) => states.includes(state) || states.includes('finished'));
  return handled || graph.tasks.some((task) => task.label === label && task.ignoreFailure);
}

const nodeEventOf = { succeeded: 'succeed', failed: 'fail', cancelled: 'abort' } as const;

/** Ends the run and everything of it that is still open. Claims stay until their workers let go, or they expire. */
export function endRun(step: Step, state: 'succeeded' | 'failed' | 'cancelled', error?: Run['error']): void {
  const endedAt = step.now.toISOString();
  step.run = { ...step.run, state, endedAt, ...(error ? { error } : {}) };
  for (const [label, task] of Object.entries(step.run.tasks)) {
    if (hasEnded(task.state)) continue;
    const message = error?.message ?? `the run ended ${state}`;
    if (task.state === 'claimed' || task.state === 'waiting') {
      endTask(step, label, { state: 'cancelled', reason: 'run-ended', message });
    } else {
      setTask(step, label, { ...task, state: 'cancelled', error: { reason: 'run-ended', message } });
    }
  }
  const because = error ? `: ${error.message}` : '';
  const data = { graph: step.graph.injectableName, state, ...(error ? { error } : {}) };
  tell(step, 'run.finished', `workflow '${step.graph.friendlyName}' ${state}${because}`, data);
  tellNode(step, nodeEventOf[state], error?.message);
}

/** An attempt whose worker vanished, or whose node booted anew, in the way that its job declares. */
export function interrupt(step: Step, resolved: ResolvedTask, task: RunTask, what: string): void {
  const { label, onInterrupt } = resolved;
  const again = without(task, 'claim', 'takenBy', 'verify', 'deadline');
  setTask(step, label, again);
  if (onInterrupt === 'fail' || task.attempt >= maxAttempts) {
    const why = onInterrupt === 'fail' ? 'repeating it could do harm' : `it was interrupted ${task.attempt} times`;
    endTask(step, label, { state: 'failed', reason: 'interrupted', message: `${what}; ${why}` });
    return;
  }
  const attempt = task.attempt + 1;
  const verify = onInterrupt === 'verify' ? { verify: true as const } : {};
  tell(step, 'run.task', `task '${label}' was interrupted (${what}) and is tried again`, {
    label,
    attempt,
    state: 'repeated',
  });
  if (resolved.mode === 'effect') setTask(step, label, { ...again, state: 'dispatched', attempt, ...verify });
  else setTask(step, label, { ...again, state: 'waiting', attempt, ...deadlineOf(step, resolved) });
}

export function tellTask(step: Step, label: string, state: string, error?: { reason: string; message: string }): void {
  const attempt = taskOf(step, label)?.attempt ?? 0;
  const callback = resolvedOf(step, label)?.callback;
  const because = error ? `: ${error.message}` : '';
  const data = { label, attempt, state, ...(callback === undefined ? {} : { callback }), ...error };
  tell(step, 'run.task', `task '${label}' ${state}${because}`, data);
}

/** The node's tasks' options, rendered; used by whoever carries a task out. */
export function renderTask(
  run: Run,
  resolved: ResolvedTask,
): { ok: true; options: Bag } | { ok: false; message: string } {
  const rendered = render(resolved.options, taskScope(run, resolved.label, resolved.options));
  if (rendered.ok && isBag(rendered.value)) return { ok: true, options: rendered.value };
  const errors = rendered.ok ? [] : rendered.errors;
  return { ok: false, message: errors.map(({ at, message }) => `option '${at}': ${message}`).join('; ') };
}

import type { Callback, ResolvedGraph, ResolvedTask, Run, RunTask } from '../../src/model/run.ts';
import { advance, type RunSignal } from '../../src/workflows/advance.ts';
import { newRun } from '../../src/workflows/new-run.ts';

/** A resolved task, an effect unless said otherwise. */
export function task(label: string, given: Partial<ResolvedTask> = {}): ResolvedTask {
  return {
    label,
    taskName: `Task.${label}`,
    friendlyName: label,
    runJob: 'Job.noop',
    options: {},
    properties: {},
    waitOn: {},
    ignoreFailure: false,
    mode: 'effect',
    onInterrupt: 'repeat',
    timeoutMs: 60_000,
    ...given,
  };
}

export const agentTask = (label: string, given: Partial<ResolvedTask> = {}) =>
  task(label, { mode: 'wait', awaits: 'report', ...given });

export const bootstrapTask = (label: string, given: Partial<ResolvedTask> = {}) =>
  task(label, { mode: 'wait', awaits: 'session', ...given });

export const callbackTask = (label: string, given: Partial<ResolvedTask> = {}) =>
  task(label, { mode: 'wait', awaits: 'callback', callback: 'phone-home', ...given });

export function graph(tasks: readonly ResolvedTask[], given: Partial<ResolvedGraph> = {}): ResolvedGraph {
  return { injectableName: 'Graph.Test', friendlyName: 'Test', options: {}, tasks, ...given };
}

/** A run that goes on in memory: each signal is one `advance`, at a clock that only `wait` moves. */
export function play(of: ResolvedGraph, given: { nodeId?: string } = { nodeId: 'n1' }) {
  let clock = Date.parse('2026-01-01T00:00:00.000Z');
  let run: Run = newRun({ graph: of, definitionId: 'd', context: {}, now: new Date(clock), ...given });
  const send = (signal: RunSignal): string => {
    const result = advance(run, of, signal, new Date(clock));
    if (result.run) run = result.run;
    return result.refused ?? 'ok';
  };
  send({ kind: 'start' });
  const attempt = (label: string) => run.tasks[label]?.attempt ?? 0;
  return {
    send,
    get run() {
      return run;
    },
    now: () => new Date(clock),
    wait: (ms: number) => {
      clock += ms;
    },
    task: (label: string): RunTask => {
      const found = run.tasks[label];
      if (!found) throw new Error(`no task ${label}`);
      return found;
    },
    states: () => Object.fromEntries(Object.entries(run.tasks).map(([label, { state }]) => [label, state])),
    claim: (label: string, member = 'm1') =>
      send({ kind: 'claim', label, attempt: attempt(label), member, until: new Date(clock + 30_000).toISOString() }),
    succeed: (label: string, context?: Record<string, unknown>, member = 'm1') =>
      send({
        kind: 'finish',
        label,
        attempt: attempt(label),
        member,
        outcome: { ok: true, ...(context ? { context } : {}) },
      }),
    fail: (label: string, member = 'm1') =>
      send({
        kind: 'finish',
        label,
        attempt: attempt(label),
        member,
        outcome: { ok: false, reason: 'x', message: 'y' },
      }),
    report: (label: string, ok = true, at = attempt(label)) =>
      send({ kind: 'report', id: `r/${label}/${at}`, label, attempt: at, ok }),
    session: (bootId: string) =>
      send({ kind: 'session', id: `s/${bootId}`, bootId, at: new Date(clock).toISOString() }),
    callback: (name: string, call: Callback) =>
      send({ kind: 'callback', id: `callback/${name}`, name, at: new Date(clock).toISOString(), ...call }),
    cancel: () => send({ kind: 'cancel', id: 'c', reason: 'by test' }),
    publish: () => send({ kind: 'published', upTo: run.outboxSeq }),
    /** Claims and ends an effect. */
    runTask(label: string, how: 'succeed' | 'fail' = 'succeed', context?: Record<string, unknown>) {
      this.claim(label);
      return how === 'succeed' ? this.succeed(label, context) : this.fail(label);
    },
    facts: () => run.outbox.flatMap((item) => (item.kind === 'fact' ? [item.fact.text] : [`node ${item.event}`])),
  };
}

import { setTimeout as sleep } from 'node:timers/promises';
import { describeError } from '../errors.ts';
import type { Log } from '../log.ts';
import type { ResolvedTask, Run } from '../model/run.ts';
import type { Role } from '../model/role.ts';
import type { FinishOutcome } from './advance.ts';
import { holdClaim, type HeldClaim } from './claim.ts';
import type { EngineRole } from './engine.ts';
import { checkOptions } from './graph.ts';
import type { Bag, EffectInput, EffectJob, Job, Services, TaskOutcome } from './job.ts';
import type { Queue } from './queue.ts';
import { renderTask } from './step.ts';
import type { Hint } from './stepper.ts';

export interface WorkerDeps {
  readonly engine: Pick<EngineRole, 'step' | 'graphOf' | 'on'>;
  readonly queue: Pick<Queue, 'process' | 'pause'>;
  readonly jobs: readonly Job[];
  readonly services: Services;
  /** Unique to this process: claims are made in this name. */
  readonly member: string;
  readonly now: () => Date;
  readonly log: Log;
  /** Effects at a time; default 16. */
  readonly concurrency?: number;
  /** How long a claim lasts between renewals; default 30,000 ms. */
  readonly claimMs?: number;
}

/** An orderly stop lets jobs end for so long; then they are aborted, and their claims expire. */
const drainMs = 10_000;
/** A command to a BMC starts only while the claim outlasts it, and is killed after so long. */
const commandMs = 45_000;

/** Runs effect jobs: takes hints, claims, runs, tells how it ended. */
export function createWorker(deps: WorkerDeps): Role {
  const running = new Set<Promise<void>>();
  const stopping = new AbortController();
  const handle = async (hint: Hint): Promise<void> => {
    if (stopping.signal.aborted) return;
    const attempt = runAttempt(deps, hint, stopping.signal).catch((error: unknown) => {
      deps.log.error({ event: 'worker.attempt', ...hint, error: describeError(error) }, 'an attempt was given up');
    });
    running.add(attempt);
    await attempt;
    running.delete(attempt);
  };
  return {
    name: 'worker',
    start: () => {
      deps.queue.process(deps.concurrency ?? 16, handle);
      return Promise.resolve();
    },
    drain: async () => {
      await deps.queue.pause();
      await Promise.race([Promise.all(running), sleep(drainMs, undefined, { ref: false })]);
      stopping.abort();
      await Promise.race([Promise.all(running), sleep(drainMs, undefined, { ref: false })]);
    },
    stop: () => {
      stopping.abort();
      return Promise.resolve();
    },
  };
}

async function runAttempt(deps: WorkerDeps, hint: Hint, stopping: AbortSignal): Promise<void> {
  const { engine, member, now, claimMs = 30_000 } = deps;
  const { runId, label, attempt } = hint;
  const until = new Date(now().getTime() + claimMs).toISOString();
  const claimed = await engine.step(runId, { kind: 'claim', label, attempt, member, until });
  if (!claimed.run) return;
  const claim = holdClaim({ ...deps, claimMs, hint, deadline: claimed.run.tasks[label]?.deadline });
  try {
    const signal = AbortSignal.any([claim.signal, stopping]);
    const outcome = await carryOut(deps, { run: claimed.run, hint, claim, signal });
    // Aborted by our own stop: how it ended is not known, and the claim's expiry says what to do.
    if (stopping.aborted && !outcome.ok) return;
    await tellEnd(deps, hint, claim, outcome);
  } finally {
    claim.release();
  }
}

interface Attempt {
  readonly run: Run;
  readonly hint: Hint;
  readonly claim: HeldClaim;
  readonly signal: AbortSignal;
}

async function carryOut(deps: WorkerDeps, attempt: Attempt): Promise<TaskOutcome> {
  const { run, hint, signal, claim } = attempt;
  const resolved = (await deps.engine.graphOf(run)).tasks.find(({ label }) => label === hint.label);
  const job = deps.jobs.find(({ runJob }) => runJob === resolved?.runJob);
  if (!resolved || job?.mode !== 'effect') {
    return { ok: false, reason: 'no-job', message: `the job ${resolved?.runJob ?? '?'} is not part of this server` };
  }
  const options = parseOptions(job, run, resolved);
  if (typeof options === 'string') return { ok: false, reason: 'options', message: options };
  const node = run.nodeId === undefined ? undefined : await deps.services.store.nodes.get(run.nodeId);
  const services = fenced(deps.services, claim);
  const { now } = deps;
  const input: EffectInput<Bag> = { ...hint, node, options, context: run.context, signal, services, now };
  const outcome = await attemptJob(job, input, run.tasks[hint.label]?.verify === true);
  return outcome.ok || !claim.overdue() ? outcome : { ...outcome, reason: 'timeout' };
}

async function attemptJob(job: EffectJob, input: EffectInput<Bag>, verify: boolean): Promise<TaskOutcome> {
  try {
    const found = verify && job.verify ? await job.verify(input) : 'repeat';
    return found === 'repeat' ? await job.run(input) : found;
  } catch (error) {
    return { ok: false, reason: 'fault', message: describeError(error) };
  }
}

function parseOptions(job: Job, run: Run, resolved: ResolvedTask): Bag | string {
  const rendered = renderTask(run, resolved);
  if (!rendered.ok) return rendered.message;
  const errors = checkOptions(job, rendered.options);
  return errors.length > 0 ? errors.join('; ') : job.options.parse(rendered.options);
}

/** Commands to a BMC start only under a claim that outlasts them: a BMC cannot tell an old command from a new one. */
function fenced(services: Services, claim: HeldClaim): Services {
  const limited = async <T>(signal: AbortSignal, command: (signal: AbortSignal) => Promise<T>): Promise<T> => {
    await claim.outlast(commandMs);
    return command(AbortSignal.any([signal, AbortSignal.timeout(commandMs)]));
  };
  return {
    ...services,
    obm: { act: (nodeId, action, signal) => limited(signal, (within) => services.obm.act(nodeId, action, within)) },
    bmc: {
      propose: (nodeId) => services.bmc.propose(nodeId),
      prove: (nodeId, address, signal) => limited(signal, (within) => services.bmc.prove(nodeId, address, within)),
    },
  };
}

/** Keeps the output, then ends the attempt; tries again while the store is away and the claim lasts. */
async function tellEnd(deps: WorkerDeps, hint: Hint, claim: HeldClaim, outcome: TaskOutcome): Promise<void> {
  const { engine, services, member, log } = deps;
  const { runId, label, attempt } = hint;
  const { output } = outcome;
  for (;;) {
    try {
      if (output !== undefined) {
        await services.store.taskOutputs.insert({ id: `${runId}/${label}/${attempt}`, ...hint, data: output });
      }
      await engine.step(runId, { kind: 'finish', label, attempt, member, outcome: asFinish(outcome, claim) });
      return;
    } catch (error) {
      log.warn(
        { event: 'worker.finish', ...hint, error: describeError(error) },
        'the end of a task could not be stored',
      );
      if (!claim.current()) return;
      await sleep(500);
    }
  }
}

function asFinish(outcome: TaskOutcome, claim: HeldClaim): FinishOutcome {
  if (outcome.ok) return { ok: true, ...(outcome.context === undefined ? {} : { context: outcome.context }) };
  const { reason, message } = outcome;
  return claim.overdue() ? { ok: false, reason: 'timeout', message, timeout: true } : { ok: false, reason, message };
}

import { RackwrightError, describeError } from '../errors.ts';
import type { Log } from '../log.ts';
import { hasEnded } from './waits.ts';
import type { EngineRole } from './engine.ts';
import type { Hint } from './stepper.ts';

/** A worker's lease on an attempt, renewed for as long as it is held. */
export interface HeldClaim {
  /** Aborted when the claim or the run was lost, and at the task's deadline. */
  readonly signal: AbortSignal;
  /** Whether the deadline is what aborted it. */
  readonly overdue: () => boolean;
  /** Whether the claim still lasts. */
  readonly current: () => boolean;
  /** Makes sure that the claim lasts at least so many milliseconds more; throws where it was lost. */
  readonly outlast: (milliseconds: number) => Promise<void>;
  /** Ends renewing. The claim itself goes with the task's end, or expires. */
  readonly release: () => void;
}

export interface ClaimDeps {
  readonly engine: Pick<EngineRole, 'step' | 'on'>;
  readonly hint: Hint;
  readonly member: string;
  readonly claimMs: number;
  /** ISO 8601. */
  readonly deadline: string | undefined;
  readonly now: () => Date;
  readonly log: Log;
}

/** The claim has been made for `claimMs`; renews it at a third of that. */
export function holdClaim(deps: ClaimDeps): HeldClaim {
  const { engine, hint, member, claimMs, now, log } = deps;
  const { runId, label, attempt } = hint;
  const controller = new AbortController();
  let until = now().getTime() + claimMs;
  let wanted = until;
  let overdue = false;

  const renew = async (): Promise<void> => {
    const next = Math.max(now().getTime() + claimMs, wanted);
    const signal = { kind: 'renew', label, attempt, member, until: new Date(next).toISOString() } as const;
    const result = await engine.step(runId, signal);
    if (result.run) until = next;
    else controller.abort(new RackwrightError('claim-lost', `the claim on '${label}' was lost`));
  };
  const tick = (): void => {
    renew().catch((error: unknown) => {
      log.warn({ event: 'worker.renew', ...hint, error: describeError(error) }, 'a claim could not be renewed');
      if (now().getTime() + claimMs / 3 > until) controller.abort(error);
    });
  };
  const renewing = setInterval(tick, claimMs / 3);
  const ending = limit(deps, () => {
    overdue = true;
    controller.abort(new RackwrightError('deadline', `'${label}' did not end by its deadline`));
  });
  const off = engine.on(({ run }) => {
    const task = run.id === runId ? run.tasks[label] : undefined;
    if (task && (hasEnded(task.state) || task.attempt !== attempt)) {
      controller.abort(new RackwrightError('run-ended', `'${label}' was ended from outside`));
    }
  });
  return {
    signal: controller.signal,
    overdue: () => overdue,
    current: () => now().getTime() < until,
    outlast: async (milliseconds) => {
      // A second more, so that the command's own end comes first.
      wanted = now().getTime() + milliseconds + 1_000;
      if (until < wanted) await renew();
      controller.signal.throwIfAborted();
    },
    release: () => {
      clearInterval(renewing);
      clearTimeout(ending);
      off();
    },
  };
}

function limit({ deadline, now }: ClaimDeps, end: () => void): NodeJS.Timeout | undefined {
  if (deadline === undefined) return undefined;
  return setTimeout(end, Math.min(Math.max(Date.parse(deadline) - now().getTime(), 0), 2 ** 31 - 1));
}

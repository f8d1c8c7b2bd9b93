import { describeError } from '../errors.ts';
import type { Log } from '../log.ts';
import type { Node } from '../model/node.ts';
import type { Store } from '../store/collections.ts';
import type { Publisher } from './publisher.ts';
import type { Signals } from './signals.ts';
import type { Stepper } from './stepper.ts';

/**
 * Looks at everything that is under way, from the store alone: at start, and then again and again. Whatever a crash, a
 * dead Redis or a lost hint left undone is done here, by the same steps as ever.
 */
export interface Sweep {
  readonly once: () => Promise<void>;
  readonly begin: () => Promise<void>;
  readonly stop: () => Promise<void>;
}

export interface SweepDeps {
  readonly store: Store;
  readonly stepper: Stepper;
  readonly signals: Signals;
  readonly publisher: Publisher;
  readonly now: () => Date;
  readonly log: Log;
  readonly everyMs: number;
  readonly isAlive?: (member: string) => Promise<boolean>;
}

export function createSweep(deps: SweepDeps): Sweep {
  let timer: NodeJS.Timeout | undefined;
  let current: Promise<void> | undefined;
  let stopped = false;

  const once = (): Promise<void> => {
    current ??= sweepAll(deps, () => stopped).finally(() => {
      current = undefined;
    });
    return current;
  };
  const again = (): void => {
    if (stopped) return;
    timer = setTimeout(() => {
      once().then(again, (error: unknown) => {
        deps.log.warn({ event: 'run.sweep', error: describeError(error) }, 'the sweep failed; it comes again');
        again();
      });
    }, deps.everyMs);
    timer.unref();
  };
  return {
    once,
    begin: async () => {
      await once();
      again();
    },
    stop: async () => {
      stopped = true;
      clearTimeout(timer);
      await current?.catch(() => undefined);
    },
  };
}

async function sweepAll(deps: SweepDeps, stopped: () => boolean): Promise<void> {
  await sweepRuns(deps, stopped);
  await sweepNodes(deps);
}

async function sweepRuns(deps: SweepDeps, stopped: () => boolean): Promise<void> {
  const { store, stepper, signals, log } = deps;
  let after: string | undefined;
  do {
    const page = await store.runs.find({
      where: { sweepKey: 'active' },
      limit: 100,
      ...(after === undefined ? {} : { after }),
    });
    for (const { id } of page.items) {
      if (stopped()) return;
      try {
        await signals.consumeStored(id);
        await freeClaims(deps, id);
        const run = await store.runs.get(id);
        if (run) await stepper.carryOut(run);
      } catch (error) {
        log.warn({ event: 'run.sweep', runId: id, error: describeError(error) }, 'a run could not be looked at');
      }
    }
    after = page.next;
  } while (after !== undefined);
}

/** What a process that is gone had claimed is not waited for. */
async function freeClaims({ store, stepper, isAlive }: SweepDeps, runId: string): Promise<void> {
  const run = isAlive && (await store.runs.get(runId));
  for (const [label, { attempt, claim }] of Object.entries(run?.tasks ?? {})) {
    if (!claim || (await isAlive?.(claim.member)) !== false) continue;
    await stepper.step(runId, { kind: 'claim-expired', label, attempt, lost: claim.member });
  }
}

/** A node that stayed too long in a state of passage is expired, and its run cancelled. */
async function sweepNodes({ store, signals, publisher, now, log }: SweepDeps): Promise<void> {
  const at = now().toISOString();
  const { items } = await store.nodes.find({ where: { 'state.deadline': { lt: at } }, limit: 100 });
  for (const { id, state } of items) {
    log.warn({ event: 'node.expired', nodeId: id, state: state.name }, 'the state lasted too long');
    const reason = expiryReason(state);
    if (state.runId !== undefined) {
      const run = await store.runs.get(state.runId);
      if (run?.state === 'running') await signals.send(run.id, 'cancel', { kind: 'cancel', reason });
    }
    const eventId = `expire:${id}/${Date.parse(state.since)}`;
    await publisher.move(id, { eventId, event: 'expire', runId: state.runId ?? '', reason });
  }
}

function expiryReason({ name, since }: Node['state']): string {
  return `${name} since ${since} without an end`;
}

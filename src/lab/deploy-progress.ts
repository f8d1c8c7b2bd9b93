import type { NodeKind } from './options.ts';
import type { FactView } from './progress.ts';

/** How far the deploy of one node has come. Times are milliseconds since 1970. */
export interface DeployProgress {
  readonly node: number;
  readonly kind: NodeKind;
  /** The image's name. */
  readonly image: string;
  /** Id of the operation, which is that of its run. */
  readonly runId: string;
  readonly startedAt: number;
  /** In the graph's order. */
  readonly steps: readonly DeployStep[];
  readonly end?: { readonly state: string; readonly at: number };
  /** The newest trouble, or what the deploy waits for, in plain words. */
  readonly note?: string;
}

export interface DeployStep {
  readonly label: string;
  readonly beganAt?: number;
  readonly endedAt?: number;
  /** `began`, `succeeded`, `failed`, ...: as the facts tell it. */
  readonly state?: string;
  /** Of a step that moves bytes: how far it is. */
  readonly transfer?: Transfer;
}

export interface Transfer {
  readonly bytes: number;
  readonly total: number;
  /** Bytes a second. */
  readonly rate?: number;
  readonly secondsLeft?: number;
}

/** Progress after a fact. Facts about other runs change nothing. */
export function afterDeployFact(progress: DeployProgress, fact: FactView): DeployProgress {
  if (fact.runId !== progress.runId) return progress;
  const at = Date.parse(fact.at);
  const { label, state } = fact.data ?? {};
  switch (fact.kind) {
    case 'run.task':
      return typeof state === 'string' ? afterTask(progress, fact, { label, state, at }) : progress;
    case 'deploy.progress':
      return changeStep(progress, underWay(progress), (old) => ({ ...old, transfer: transferOf(fact) }));
    case 'run.by-hand':
      return { ...progress, note: fact.text };
    case 'run.finished':
      return typeof state === 'string' ? { ...progress, end: { state, at } } : progress;
    default:
      return progress;
  }
}

interface TaskChange {
  readonly label: unknown;
  readonly state: string;
  readonly at: number;
}

function afterTask(progress: DeployProgress, fact: FactView, { label, state, at }: TaskChange): DeployProgress {
  if (state === 'began' || state === 'repeated') {
    const changed = changeStep(progress, label, ({ beganAt = at, ...old }) => ({
      ...{ label: old.label, beganAt, state },
      ...(old.transfer === undefined ? {} : { transfer: old.transfer }),
    }));
    return state === 'repeated' ? { ...changed, note: fact.text } : withoutNote(changed);
  }
  const ended = changeStep(progress, label, (old) => ({ ...old, endedAt: at, state }));
  return state === 'succeeded' ? withoutNote(ended) : { ...ended, note: fact.text };
}

function changeStep(progress: DeployProgress, label: unknown, change: (old: DeployStep) => DeployStep): DeployProgress {
  return { ...progress, steps: progress.steps.map((step) => (step.label === label ? change(step) : step)) };
}

/** The step that a report of bytes is about: a graph of one node has one at a time. */
function underWay({ steps }: DeployProgress): string | undefined {
  return steps.findLast(({ beganAt, endedAt }) => beganAt !== undefined && endedAt === undefined)?.label;
}

function withoutNote(progress: DeployProgress): DeployProgress {
  const { node, kind, image, runId, startedAt, steps, end } = progress;
  return { node, kind, image, runId, startedAt, steps, ...(end === undefined ? {} : { end }) };
}

function transferOf({ data }: FactView): Transfer {
  const number = (name: string): number | undefined => {
    const value = data?.[name];
    return typeof value === 'number' ? value : undefined;
  };
  const rate = number('rate');
  const secondsLeft = number('secondsLeft');
  return {
    ...{ bytes: number('bytes') ?? 0, total: number('total') ?? 0 },
    ...(rate === undefined ? {} : { rate }),
    ...(secondsLeft === undefined ? {} : { secondsLeft }),
  };
}

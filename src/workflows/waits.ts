import { finishedStates, type FinishedState, type WaitOn } from '../model/graph.ts';
import type { TaskState } from '../model/run.ts';

/** RackHD's `waitOn`, decided: labels are joined by AND, a list of states by OR, `anyOf` by its first match. */

export type Readiness = 'ready' | 'open' | 'never';

/** Whether a task in this state will never change again. */
export function hasEnded(state: TaskState): boolean {
  return state === 'unreachable' || isFinished(state);
}

export function isFinished(state: TaskState): state is FinishedState {
  return (finishedStates as readonly TaskState[]).includes(state);
}

/** Whether a task with this `waitOn` may begin, given the others' states: not yet (`open`), or never any more. */
export function readiness(waitOn: WaitOn, stateOf: (label: string) => TaskState | undefined): Readiness {
  const all = Object.entries(waitOn).map(([label, condition]) => {
    if (!isGroup(condition)) return one(condition, stateOf(label));
    const any = Object.entries(condition).map(([member, wanted]) => one(wanted, stateOf(member)));
    return any.includes('ready') ? 'ready' : any.includes('open') ? 'open' : 'never';
  });
  if (all.includes('never')) return 'never';
  return all.includes('open') ? 'open' : 'ready';
}

/** Every label that a `waitOn` names, with the states it wants of it. */
export function waitedLabels(waitOn: WaitOn): { label: string; states: readonly string[] }[] {
  return Object.entries(waitOn).flatMap(([label, condition]) =>
    isGroup(condition)
      ? Object.entries(condition).map(([member, wanted]) => ({ label: member, states: [wanted].flat() }))
      : [{ label, states: [condition].flat() }],
  );
}

type Condition = WaitOn[string];
type Group = Extract<Condition, Record<string, unknown>>;

function isGroup(condition: Condition): condition is Exclude<Group, readonly unknown[]> {
  return typeof condition === 'object' && !Array.isArray(condition);
}

function one(wanted: string | readonly string[], state: TaskState | undefined): Readiness {
  if (state === undefined || state === 'unreachable') return 'never';
  if (!isFinished(state)) return 'open';
  const states: readonly string[] = [wanted].flat();
  return states.includes(state) || states.includes('finished') ? 'ready' : 'never';
}

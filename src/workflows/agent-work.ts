import type { ResolvedGraph, ResolvedTask, Run } from '../model/run.ts';
import { hasEnded, waitedLabels } from './waits.ts';

/** Which task of a run an agent, or a boot, is about: pure choices over the run's document. */

/** The task whose work this boot's agent is to be handed: the one it has already, else the graph's first that waits. */
export function nextForAgent(run: Run, graph: ResolvedGraph, bootId: string): ResolvedTask | undefined {
  const waiting = graph.tasks.filter(
    ({ label, awaits }) => awaits === 'report' && run.tasks[label]?.state === 'waiting',
  );
  const own = waiting.find(({ label }) => run.tasks[label]?.takenBy === bootId);
  return own ?? waiting.find(({ label }) => run.tasks[label]?.takenBy === undefined);
}

/**
 * The task that says what the node boots: one that waits for the boot; else, while there is work for an agent, the one
 * that brought the agent up; else one whose turn comes when what runs now (a reboot, most likely) has ended.
 */
export function bootingTask(run: Run, graph: ResolvedGraph): ResolvedTask | undefined {
  const sessions = graph.tasks.filter(({ awaits }) => awaits === 'session');
  const inState = (state: string) => sessions.filter(({ label }) => run.tasks[label]?.state === state);
  const [waiting] = inState('waiting');
  if (waiting) return waiting;
  const [next] = inState('pending').filter(({ waitOn }) =>
    waitedLabels(waitOn).some(({ label }) => ['dispatched', 'claimed'].includes(run.tasks[label]?.state ?? '')),
  );
  if (next) return next;
  const agentNeeded = graph.tasks.some(({ label, awaits }) => {
    const state = run.tasks[label]?.state;
    return awaits === 'report' && state !== undefined && !hasEnded(state);
  });
  return agentNeeded ? inState('succeeded').at(-1) : undefined;
}

/** A bootstrap that waits on nothing is content with an agent that is there already and asks for work. */
export function isContentWithPresence(run: Run, graph: ResolvedGraph): boolean {
  return graph.tasks.some(
    ({ label, awaits, waitOn }) =>
      awaits === 'session' && Object.keys(waitOn).length === 0 && run.tasks[label]?.state === 'waiting',
  );
}

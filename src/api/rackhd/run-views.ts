import { finishedStates, type FinishedState, type WaitOn } from '../../model/graph.ts';
import type { ResolvedGraph, ResolvedTask, Run, TaskState } from '../../model/run.ts';
import { hideSecrets } from '../secrets.ts';
import { basePath } from './views.ts';

/**
 * RackHD's two forms of a workflow. What a start answers, and a node's list, is the raw graph object: tasks by instance
 * id, the definition whole, `_status`. `/workflows` is the view: tasks as a list, the definition as a link, `status`.
 * A client gets `status` with the raw form too: it harms nobody and is what those who mix the two look for.
 */

/** The raw graph object of a run. `graph` is its resolved definition; undefined where that was lost. */
export function rawRun(run: Run, graph: ResolvedGraph | undefined): Record<string, unknown> {
  const tasks = taskViews(run, graph);
  return {
    ...runHead(run),
    _status: run.state,
    definition: {
      friendlyName: graph?.friendlyName ?? run.name,
      injectableName: run.injectableName,
      options: hideSecrets(graph?.options ?? {}),
      tasks: (graph?.tasks ?? []).map(({ label, taskName, waitOn, ignoreFailure }) => ({
        label,
        taskName,
        waitOn,
        ignoreFailure,
      })),
    },
    tasks: Object.fromEntries(tasks.map((task) => [task.instanceId, task])),
  };
}

/** The view of a run. */
export function runView(run: Run, graph: ResolvedGraph | undefined): Record<string, unknown> {
  return {
    ...runHead(run),
    _status: run.state,
    definition: `${basePath}/workflows/graphs/${run.injectableName}`,
    tasks: taskViews(run, graph),
  };
}

function runHead(run: Run): Record<string, unknown> {
  return {
    id: run.id,
    instanceId: run.instanceId,
    name: run.name,
    injectableName: run.injectableName,
    domain: 'default',
    status: run.state,
    ...(run.nodeId === undefined ? {} : { node: run.nodeId }),
    context: hideSecrets({
      graphId: run.instanceId,
      graphName: run.injectableName,
      target: run.nodeId,
      ...run.context,
    }),
    serviceGraph: false,
    createdAt: run.createdAt,
    updatedAt: run.updatedAt,
  };
}

interface TaskView extends Record<string, unknown> {
  readonly label: string;
  readonly instanceId: string;
}

function taskViews(run: Run, graph: ResolvedGraph | undefined): TaskView[] {
  const definitions = new Map((graph?.tasks ?? []).map((task) => [task.label, task]));
  return Object.entries(run.tasks).map(([label, task]) => {
    const definition = definitions.get(label);
    return {
      label,
      instanceId: task.instanceId,
      state: rackhdTaskState(task.state),
      ...(task.error === undefined ? {} : { error: task.error.message }),
      ...(task.startedAt === undefined ? {} : { taskStartTime: task.startedAt }),
      ...(task.endedAt === undefined ? {} : { taskEndTime: task.endedAt }),
      ...(definition === undefined ? {} : definedBy(definition, run, graph?.tasks ?? [])),
    };
  });
}

function definedBy(task: ResolvedTask, run: Run, all: readonly ResolvedTask[]): Record<string, unknown> {
  return {
    friendlyName: task.friendlyName,
    injectableName: task.taskName,
    runJob: task.runJob,
    options: hideSecrets(task.options),
    ignoreFailure: task.ignoreFailure,
    waitingOn: Object.fromEntries(
      Object.entries(task.waitOn).map(([label, states]) => [run.tasks[label]?.instanceId ?? label, states]),
    ),
    terminalOnStates: terminalOnStates(task.label, all),
  };
}

/** A running task is `pending` with a start time in RackHD. */
function rackhdTaskState(state: TaskState): string {
  return finishedStates.some((finished) => finished === state) ? state : 'pending';
}

/** The finished states of a task that no other task waits for: those end the graph. */
export function terminalOnStates(label: string, tasks: readonly ResolvedTask[]): FinishedState[] {
  const awaited = new Set(tasks.flatMap(({ waitOn }) => statesAwaited(waitOn, label)));
  return finishedStates.filter((state) => !awaited.has(state) && !awaited.has('finished'));
}

function statesAwaited(waitOn: WaitOn, label: string): string[] {
  const anyOf = waitOn.anyOf;
  const nested = typeof anyOf === 'object' && !Array.isArray(anyOf) ? anyOf[label] : undefined;
  const direct = label === 'anyOf' ? undefined : waitOn[label];
  return [direct, nested].flatMap((states) =>
    typeof states === 'string' ? [states] : Array.isArray(states) ? states : [],
  );
}

import { randomUUID } from 'node:crypto';
import { newId } from '../model/id.ts';
import type { ResolvedGraph, Run, RunTask } from '../model/run.ts';
import type { Bag } from './job.ts';

export interface NewRunInput {
  readonly graph: ResolvedGraph;
  readonly definitionId: string;
  readonly nodeId?: string;
  readonly context: Bag;
  readonly now: Date;
}

/** A run that has not taken its first step. It is stored only after `advance` gave it its `start`. */
export function newRun({ graph, definitionId, nodeId, context, now }: NewRunInput): Run {
  const id = newId(now);
  const instanceId = randomUUID();
  const at = now.toISOString();
  const tasks = graph.tasks.map(({ label }): [string, RunTask] => [
    label,
    { state: 'pending', attempt: 0, instanceId: randomUUID() },
  ]);
  return {
    id,
    version: 0,
    schemaVersion: 0,
    createdAt: at,
    updatedAt: at,
    instanceId,
    name: graph.friendlyName,
    injectableName: graph.injectableName,
    definitionId,
    activeKey: nodeId ?? instanceId,
    ...(nodeId === undefined ? {} : { nodeId }),
    state: 'running',
    sweepKey: 'active',
    context: {
      ...context,
      graphId: instanceId,
      graphName: graph.injectableName,
      ...(nodeId === undefined ? {} : { target: nodeId }),
    },
    tasks: Object.fromEntries(tasks),
    consumed: [],
    outbox: [],
    outboxSeq: 0,
  };
}

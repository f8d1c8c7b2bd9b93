import type { BaseTaskDefinition, GraphDefinition, GraphTask, TaskDefinition } from '../model/graph.ts';
import type { ResolvedGraph, ResolvedTask } from '../model/run.ts';
import type { Bag, Job } from './job.ts';
import { deepMerge, isBag, missingOptions, taskOptions, taskTimeout, type TaskParts } from './options.ts';
import { hasExpression, render, type Scope } from './render.ts';
import { waitedLabels } from './waits.ts';

/** A graph with everything found and merged, or everything that is wrong with it. */
export type ResolveResult =
  { readonly ok: true; readonly graph: ResolvedGraph } | { readonly ok: false; readonly errors: readonly string[] };

/** Where `resolveGraph` looks things up. */
export interface Library {
  task(name: string): TaskDefinition | undefined;
  baseTask(name: string): BaseTaskDefinition | undefined;
  job(runJob: string): Job | undefined;
}

export interface ResolveInput {
  readonly definition: GraphDefinition;
  /** The request's options, deep-merged over the graph's. */
  readonly options: Bag;
  /** What `{{ }}` may name besides options, context and task: `server`, `api`, `file`. */
  readonly scope: Scope;
}

/** Roots of expressions whose values are known only while the run goes on. */
export const runtimeRoots = ['context', 'task'] as const;

/**
 * Finds, merges and checks all that a graph names. Each error names the task and, where there is one, the option. What
 * depends on the run's context is checked when the task begins.
 */
export function resolveGraph(input: ResolveInput, library: Library): ResolveResult {
  const errors: string[] = [];
  const { definition } = input;
  const options = deepMerge(definition.options ?? {}, input.options);
  errors.push(...labelErrors(definition.tasks));
  if (errors.length === 0) errors.push(...cycleErrors(definition.tasks));
  const properties: Bag[] = [];
  const tasks: ResolvedTask[] = [];
  for (const entry of definition.tasks) {
    const found = findParts(entry, library);
    if (typeof found === 'string') {
      errors.push(`task '${entry.label}': ${found}`);
      continue;
    }
    const result = resolveTask(found, options, { scope: input.scope, properties });
    properties.push(found.parts.base.properties, found.parts.task.properties);
    if (Array.isArray(result)) errors.push(...result.map((error) => `task '${entry.label}': ${error}`));
    else tasks.push(result);
  }
  if (errors.length > 0) return { ok: false, errors };
  const { injectableName, friendlyName, nodeEvents } = definition;
  const purpose = nodeEvents === undefined ? {} : { nodeEvents };
  return { ok: true, graph: { injectableName, friendlyName, options, ...purpose, tasks } };
}

interface Found {
  readonly parts: TaskParts;
  readonly job: Job;
}

function findParts(entry: GraphTask, library: Library): Found | string {
  if ((entry.taskName === undefined) === (entry.taskDefinition === undefined)) {
    return 'has to have either taskName or taskDefinition';
  }
  // RackHD's API shows task names as URLs, and takes them back.
  const name = entry.taskName?.replace(/^.*\//, '');
  const task = entry.taskDefinition ?? library.task(name ?? '');
  if (!task) return `unknown task ${name ?? ''}`;
  const base = library.baseTask(task.implementsTask);
  if (!base) return `${task.injectableName} implements the unknown task ${task.implementsTask}`;
  const job = library.job(base.runJob);
  if (!job) return `the job ${base.runJob} of ${base.injectableName} is not part of this server`;
  return { parts: { entry, task, base }, job };
}

function resolveTask(
  { parts, job }: Found,
  graphOptions: Bag,
  known: { scope: Scope; properties: readonly Bag[] },
): ResolvedTask | string[] {
  const { entry, task, base } = parts;
  const merged = taskOptions(parts, graphOptions);
  const errors = missingOptions(parts, merged).map((name) => `option '${name}' is required by ${base.injectableName}`);
  errors.push(...propertyErrors(base, known.properties));
  const rendered = render(merged, { ...known.scope, options: merged }, runtimeRoots);
  if (!rendered.ok) errors.push(...rendered.errors.map(({ at, message }) => `option '${at}': ${message}`));
  const options = rendered.ok && isBag(rendered.value) ? rendered.value : merged;
  if (errors.length === 0 && !hasExpression(options)) errors.push(...checkOptions(job, options));
  if (errors.length > 0) return errors;
  const timeoutMs = taskTimeout(options);
  return {
    label: entry.label,
    taskName: task.injectableName,
    friendlyName: task.friendlyName,
    runJob: job.runJob,
    options,
    properties: deepMerge(base.properties, task.properties),
    waitOn: entry.waitOn ?? {},
    ignoreFailure: entry.ignoreFailure ?? false,
    mode: job.mode,
    onInterrupt: interruptOf(job, options),
    ...(job.mode === 'wait' ? { awaits: job.awaits } : {}),
    ...(job.mode === 'wait' && job.awaits === 'callback' ? { callback: job.callback } : {}),
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
  };
}

/** What the job's own schema says against rendered options: `option 'delay': ...`. */
export function checkOptions(job: Job, options: Bag): string[] {
  const result = job.options.safeParse(options);
  return (result.error?.issues ?? []).map(({ path, message }) => `option '${path.join('.')}': ${message}`);
}

function interruptOf(job: Job, options: Bag): ResolvedTask['onInterrupt'] {
  if (job.mode === 'wait') return job.awaits === 'report' ? job.onInterrupt : 'repeat';
  return typeof job.onInterrupt === 'function' ? job.onInterrupt(options) : job.onInterrupt;
}

/** A base may demand properties that tasks before it in the array have (`os.linux.type` of a bootstrap). */
function propertyErrors(base: BaseTaskDefinition, earlier: readonly Bag[]): string[] {
  const merged = earlier.reduce<Bag>(deepMerge, {});
  return Object.entries(base.requiredProperties)
    .filter(([path, wanted]) => propertyAt(merged, path) !== wanted)
    .map(([path, wanted]) => `needs a task before it whose property ${path} is ${JSON.stringify(wanted)}`);
}

function propertyAt(properties: Bag, path: string): unknown {
  return path.split('.').reduce<unknown>((value, step) => (isBag(value) ? value[step] : undefined), properties);
}

function labelErrors(tasks: readonly GraphTask[]): string[] {
  const labels = new Set<string>();
  const errors: string[] = [];
  for (const { label } of tasks) {
    if (labels.has(label)) errors.push(`task '${label}': another task has the same label`);
    if (label === 'anyOf' || label === 'defaults') errors.push(`task '${label}': this label has a meaning of its own`);
    labels.add(label);
  }
  for (const { label, waitOn = {} } of tasks) {
    for (const waited of waitedLabels(waitOn)) {
      if (!labels.has(waited.label)) errors.push(`task '${label}': waits on '${waited.label}', which is no task here`);
    }
  }
  return errors;
}

/** Takes away, again and again, tasks that wait on nothing left; what stays waits in a circle. */
function cycleErrors(tasks: readonly GraphTask[]): string[] {
  let left = new Map(
    tasks.map(({ label, waitOn = {} }) => [label, waitedLabels(waitOn).map((waited) => waited.label)]),
  );
  for (;;) {
    const next = new Map([...left].filter(([, waits]) => waits.some((label) => left.has(label))));
    if (next.size === left.size) break;
    left = next;
  }
  return left.size === 0 ? [] : [`tasks wait in a circle: ${[...left.keys()].join(', ')}`];
}

import type { BaseTaskDefinition, GraphTask, TaskDefinition } from '../model/graph.ts';
import type { Bag } from './job.ts';

/** RackHD's precedence of a task's options, from lowest: task definition, optionOverrides, defaults, the label's own. */

/** What a task of a graph is made of. */
export interface TaskParts {
  readonly entry: GraphTask;
  readonly task: TaskDefinition;
  readonly base: BaseTaskDefinition;
}

/**
 * The options of one task. Without a schema on task or base, `defaults` reach only the options that the task declares
 * or its base requires; with one they all do, and a label's `null` does not hide a value.
 */
export function taskOptions({ entry, task, base }: TaskParts, graphOptions: Bag): Record<string, unknown> {
  const declared = { ...task.options, ...entry.optionOverrides };
  const defaults = bag(graphOptions.defaults);
  const own = bag(graphOptions[entry.label]);
  if (task.optionsSchema !== undefined || base.optionsSchema !== undefined) {
    const merged: Record<string, unknown> = { ...declared, ...defaults };
    const telling = Object.entries(own).filter(([key, value]) => value !== null || (merged[key] ?? null) === null);
    return { ...merged, ...Object.fromEntries(telling) };
  }
  const known = new Set([...Object.keys(declared), ...base.requiredOptions]);
  const reaching = Object.entries(defaults).filter(([key]) => known.has(key));
  return { ...declared, ...Object.fromEntries(reaching), ...own };
}

/** Options that the definitions call required and that have no value, by name. */
export function missingOptions({ task, base }: TaskParts, options: Bag): string[] {
  const required = [
    ...base.requiredOptions,
    ...schemaRequired(base.optionsSchema),
    ...schemaRequired(task.optionsSchema),
  ];
  return [...new Set(required)].filter((name) => options[name] === undefined || options[name] === null);
}

/** Milliseconds until a task ends `timeout`: `_taskTimeout`, else `schedulerOverrides.timeout`, else a day; 0, -1: none. */
export function taskTimeout(options: Bag): number | undefined {
  const given = options._taskTimeout ?? bag(options.schedulerOverrides).timeout ?? 24 * 3_600_000;
  const timeout = Number(given);
  return Number.isFinite(timeout) && timeout > 0 ? Math.min(timeout, 365 * 24 * 3_600_000) : undefined;
}

/** `over` merged into `under`, objects key by key at every depth; everything else is replaced. */
export function deepMerge(under: Bag, over: Bag): Record<string, unknown> {
  const merged: Record<string, unknown> = { ...under };
  for (const [key, value] of Object.entries(over)) {
    const present = merged[key];
    setOwn(merged, key, isBag(value) && isBag(present) ? deepMerge(present, value) : value);
  }
  return merged;
}

export function isBag(value: unknown): value is Bag {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function bag(value: unknown): Bag {
  return isBag(value) ? value : {};
}

function schemaRequired(schema: string | Bag | undefined): string[] {
  const required = isBag(schema) ? schema.required : undefined;
  return Array.isArray(required) ? required.filter((name): name is string => typeof name === 'string') : [];
}

/** Sets a key that a request named: `__proto__` becomes a key like any other. */
function setOwn(target: Record<string, unknown>, key: string, value: unknown): void {
  Object.defineProperty(target, key, { value, enumerable: true, writable: true, configurable: true });
}

import { z } from 'zod';
import { nodePurposes } from './node-states.ts';

/** RackHD's graph and task definitions, as data. The words and keys are RackHD's and stay so. */

export const finishedStates = ['succeeded', 'failed', 'timeout', 'cancelled'] as const;
export type FinishedState = (typeof finishedStates)[number];

/** A state that a task may wait for; `finished` is any of the four. */
const waitState = z.enum([...finishedStates, 'finished']);
const waitFor = z.union([waitState, z.array(waitState).min(1)]);

/** Label -> state or states (any of them); all labels must match. `anyOf` is satisfied by its first match. */
export const waitOnSchema = z.record(z.string(), z.union([waitFor, z.record(z.string(), waitFor)]));

const optionsSchema = z.record(z.string(), z.unknown());

export const taskDefinitionSchema = z.looseObject({
  friendlyName: z.string(),
  injectableName: z.string().min(1),
  /** The base task whose job this task runs. */
  implementsTask: z.string().min(1),
  options: optionsSchema,
  properties: z.record(z.string(), z.unknown()),
  optionsSchema: z.union([z.string(), z.record(z.string(), z.unknown())]).optional(),
});

export const baseTaskDefinitionSchema = z.looseObject({
  friendlyName: z.string(),
  injectableName: z.string().min(1),
  /** Name of the job: a row of `workflows/tasks/index.ts`. */
  runJob: z.string().min(1),
  requiredOptions: z.array(z.string()).default([]),
  /** Dotted path -> value that the properties of earlier tasks must have. */
  requiredProperties: z.record(z.string(), z.unknown()).default({}),
  properties: z.record(z.string(), z.unknown()),
  optionsSchema: z.union([z.string(), z.record(z.string(), z.unknown())]).optional(),
});

/** It is part of URLs and, on the node, of a file's name, which has 255 bytes at most. */
const labelSchema = z
  .string()
  .min(1)
  .refine((label) => encodeURIComponent(label).length <= 200, 'must have at most 200 characters as it stands in a URL');

export const graphTaskSchema = z.looseObject({
  label: labelSchema,
  taskName: z.string().optional(),
  taskDefinition: taskDefinitionSchema.optional(),
  waitOn: waitOnSchema.optional(),
  ignoreFailure: z.boolean().optional(),
  optionOverrides: optionsSchema.optional(),
});

export const graphDefinitionSchema = z.looseObject({
  friendlyName: z.string(),
  injectableName: z.string().min(1),
  options: optionsSchema.optional(),
  tasks: z.array(graphTaskSchema).min(1),
  serviceGraph: z.boolean().optional(),
  /** Ours: a run of this graph moves its node, by the table of node states (`discover`: to `discovering`, and so on). */
  nodeEvents: z.enum(nodePurposes).optional(),
});

export type TaskDefinition = z.infer<typeof taskDefinitionSchema>;
export type BaseTaskDefinition = z.infer<typeof baseTaskDefinitionSchema>;
export type GraphTask = z.infer<typeof graphTaskSchema>;
export type GraphDefinition = z.infer<typeof graphDefinitionSchema>;
export type WaitOn = z.infer<typeof waitOnSchema>;

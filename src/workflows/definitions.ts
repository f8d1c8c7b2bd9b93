import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { InputError } from '../errors.ts';
import {
  baseTaskDefinitionSchema,
  graphDefinitionSchema,
  taskDefinitionSchema,
  type BaseTaskDefinition,
  type GraphDefinition,
  type TaskDefinition,
} from '../model/graph.ts';
import type { StoredDefinition } from '../model/run.ts';
import type { Store } from '../store/collections.ts';
import { resolveGraph, type Library } from './graph.ts';
import type { Job } from './job.ts';
import type { Scope } from './render.ts';

/** The library of graphs and tasks: what ships with us, and what users put beside it or over it. */

/** What ships with us, by injectableName. */
export interface ShippedDefinitions {
  readonly graphs: ReadonlyMap<string, GraphDefinition>;
  readonly tasks: ReadonlyMap<string, TaskDefinition>;
  readonly baseTasks: ReadonlyMap<string, BaseTaskDefinition>;
}

const manifestSchema = z.strictObject({
  graphs: z.array(z.string()),
  tasks: z.array(z.string()),
  baseTasks: z.array(z.string()),
});

/** Reads the files that `manifest.json` in `directory` lists. Throws an InputError naming the file that is wrong. */
export async function readDefinitions(directory: string): Promise<ShippedDefinitions> {
  const manifest = await readJson(directory, 'manifest.json', manifestSchema);
  const all = async <T extends { injectableName: string }>(files: readonly string[], schema: z.ZodType<T>) => {
    const read = await Promise.all(files.map((file) => readJson(directory, file, schema)));
    return new Map(read.map((definition) => [definition.injectableName, definition]));
  };
  return {
    graphs: await all(manifest.graphs, graphDefinitionSchema),
    tasks: await all(manifest.tasks, taskDefinitionSchema),
    baseTasks: await all(manifest.baseTasks, baseTaskDefinitionSchema),
  };
}

async function readJson<T>(directory: string, file: string, schema: z.ZodType<T>): Promise<T> {
  const path = join(directory, file);
  try {
    return schema.parse(JSON.parse(await readFile(path, 'utf8')));
  } catch (cause) {
    const issue = cause instanceof z.ZodError ? cause.issues[0] : undefined;
    const where = issue ? `${issue.path.join('.')}: ${issue.message}` : 'a readable JSON file was expected';
    throw new InputError(path, where, { cause });
  }
}

export type PutResult =
  { readonly ok: true } | { readonly ok: false; readonly message: string; readonly errors?: readonly string[] };

/** A task or base task, as RackHD writes it. */
export interface TaskDocument extends Readonly<Record<string, unknown>> {
  readonly injectableName: string;
}

export interface Definitions {
  readonly graphs: () => Promise<readonly GraphDefinition[]>;
  readonly graph: (name: string) => Promise<GraphDefinition | undefined>;
  /** Checks the graph against the library and stores it; a graph of the same name is replaced. */
  readonly putGraph: (definition: GraphDefinition) => Promise<PutResult>;
  /** Whether a user's graph of this name was there; what ships with us cannot be deleted. */
  readonly deleteGraph: (name: string) => Promise<boolean>;
  readonly tasks: () => Promise<readonly TaskDocument[]>;
  readonly task: (name: string) => Promise<TaskDocument | undefined>;
  readonly putTask: (definition: TaskDocument) => Promise<PutResult>;
  readonly deleteTask: (name: string) => Promise<boolean>;
  /** Everything that resolving this graph may look up. */
  readonly libraryFor: (graph: GraphDefinition) => Promise<Library>;
}

export interface DefinitionsDeps {
  readonly store: Store;
  readonly shipped: ShippedDefinitions;
  readonly jobs: readonly Job[];
  /** What options may name besides options, context and task (`server`, `api`, `file`). Never secrets. */
  readonly scope: Scope;
}

type UserKind = 'graph' | 'task' | 'base-task';

export function createDefinitions({ store, shipped, jobs, scope }: DefinitionsDeps): Definitions {
  const byName = new Map(jobs.map((job) => [job.runJob, job]));
  const stored = async (kind: UserKind, name: string) => (await store.definitions.get(`${kind}:${name}`))?.body;
  const graph = async (name: string) =>
    ((await stored('graph', name)) as GraphDefinition | undefined) ?? shipped.graphs.get(name);
  const concrete = async (name: string) =>
    ((await stored('task', name)) as TaskDefinition | undefined) ?? shipped.tasks.get(name);
  const base = async (name: string) =>
    ((await stored('base-task', name)) as BaseTaskDefinition | undefined) ?? shipped.baseTasks.get(name);

  async function libraryFor(definition: GraphDefinition): Promise<Library> {
    const names = definition.tasks.flatMap(({ taskName }) => (taskName === undefined ? [] : [lastStep(taskName)]));
    const tasks = await fetchAll(names, concrete);
    const inline = definition.tasks.flatMap(({ taskDefinition }) => taskDefinition ?? []);
    const bases = await fetchAll(
      [...tasks.values(), ...inline].map(({ implementsTask }) => implementsTask),
      base,
    );
    return {
      task: (name) => tasks.get(name),
      baseTask: (name) => bases.get(name),
      job: (runJob) => byName.get(runJob),
    };
  }

  return {
    graph,
    libraryFor,
    graphs: async () => merge(shipped.graphs.values(), (await storedAll(store, ['graph'])) as GraphDefinition[]),
    putGraph: async (definition) => {
      const result = resolveGraph({ definition, options: {}, scope }, await libraryFor(definition));
      // A required option may come with each request, so that its lack is no fault of the graph.
      const errors = result.ok ? [] : result.errors.filter((error) => !/option '[^']*' is required/.test(error));
      if (errors.length > 0) return { ok: false, message: 'the graph cannot be run', errors };
      await put(store, { kind: 'graph', name: definition.injectableName, body: definition });
      return { ok: true };
    },
    deleteGraph: (name) => store.definitions.delete(`graph:${name}`),
    tasks: async () =>
      merge(
        [...shipped.tasks.values(), ...shipped.baseTasks.values()] as TaskDocument[],
        (await storedAll(store, ['task', 'base-task'])) as TaskDocument[],
      ),
    task: async (name) => (await concrete(name)) ?? (await base(name)),
    putTask: async (definition) => {
      const kind = 'runJob' in definition ? 'base-task' : 'task';
      const parsed = (kind === 'task' ? taskDefinitionSchema : baseTaskDefinitionSchema).safeParse(definition);
      if (!parsed.success) {
        const errors = parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
        return { ok: false, message: `no ${kind} definition`, errors };
      }
      await put(store, { kind, name: definition.injectableName, body: parsed.data });
      return { ok: true };
    },
    deleteTask: async (name) => {
      const task = await store.definitions.delete(`task:${name}`);
      return (await store.definitions.delete(`base-task:${name}`)) || task;
    },
  };
}

function lastStep(taskName: string): string {
  return taskName.replace(/^.*\//, '');
}

async function fetchAll<T>(
  names: readonly string[],
  fetch: (name: string) => Promise<T | undefined>,
): Promise<Map<string, T>> {
  const found = await Promise.all([...new Set(names)].map(async (name) => [name, await fetch(name)] as const));
  return new Map(found.flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const])));
}

async function storedAll(store: Store, kinds: readonly UserKind[]): Promise<unknown[]> {
  const { items } = await store.definitions.find({ where: { kind: { in: kinds } }, limit: 10_000 });
  return items.map(({ body }) => body);
}

/** Shipped and stored, by name, the stored ones over the shipped. */
function merge<T extends { readonly injectableName: string }>(shipped: Iterable<T>, stored: readonly T[]): T[] {
  const all = new Map([...shipped, ...stored].map((definition) => [definition.injectableName, definition]));
  return [...all.values()].sort((a, b) => (a.injectableName < b.injectableName ? -1 : 1));
}

async function put(
  store: Store,
  { kind, name, body }: Pick<StoredDefinition, 'kind' | 'name' | 'body'>,
): Promise<void> {
  const id = `${kind}:${name}`;
  for (;;) {
    const current = await store.definitions.get(id);
    const result = current
      ? await store.definitions.update({ ...current, body })
      : await store.definitions.insert({ id, kind, name, body });
    if (result.ok) return;
  }
}

import { z } from 'zod';
import type { BaseTaskDefinition, GraphTask, TaskDefinition } from '../../src/model/graph.ts';
import { resolveGraph, type Library } from '../../src/workflows/graph.ts';
import { defineJob, type Job } from '../../src/workflows/job.ts';
import { linuxBootstrap } from '../../src/workflows/tasks/linux-bootstrap.ts';
import { noop } from '../../src/workflows/tasks/noop.ts';

const obm = defineJob({
  runJob: 'Job.Obm',
  mode: 'effect',
  onInterrupt: (options) => (options.action === 'reset' ? 'verify' : 'repeat'),
  options: z.looseObject({ action: z.enum(['on', 'reset']) }),
  run: () => Promise.resolve({ ok: true }),
});

const base = (name: string, runJob: string, given: Partial<BaseTaskDefinition> = {}): BaseTaskDefinition => ({
  friendlyName: name,
  injectableName: name,
  runJob,
  requiredOptions: [],
  requiredProperties: {},
  properties: {},
  ...given,
});
const concrete = (name: string, of: string, given: Partial<TaskDefinition> = {}): TaskDefinition => ({
  friendlyName: name,
  injectableName: name,
  implementsTask: of,
  options: {},
  properties: {},
  ...given,
});

const bases = [
  base('Base.noop', 'Job.noop', { requiredOptions: ['needed'] }),
  base('Base.schema', 'Job.noop', { optionsSchema: { properties: {}, required: ['must'] } }),
  base('Base.boot', 'Job.Linux.Bootstrap', { properties: { os: { linux: { type: 'microkernel' } } } }),
  base('Base.inner', 'Job.noop', { requiredProperties: { 'os.linux.type': 'microkernel' } }),
  base('Base.obm', 'Job.Obm'),
  base('Base.nojob', 'Job.Missing'),
];
const tasks = [
  concrete('Task.noop', 'Base.noop', { options: { needed: 1, declared: 'task' } }),
  concrete('Task.needy', 'Base.noop', { options: { needed: null } }),
  concrete('Task.schema', 'Base.schema', { options: { must: 'task', kept: 'task' } }),
  concrete('Task.boot', 'Base.boot'),
  concrete('Task.inner', 'Base.inner'),
  concrete('Task.obm', 'Base.obm', { options: { action: 'on' } }),
  concrete('Task.nojob', 'Base.nojob'),
  concrete('Task.orphan', 'Base.gone'),
];
const jobs: Job[] = [noop, linuxBootstrap, obm];
const library: Library = {
  task: (name) => tasks.find(({ injectableName }) => injectableName === name),
  baseTask: (name) => bases.find(({ injectableName }) => injectableName === name),
  job: (name) => jobs.find(({ runJob }) => runJob === name),
};

const resolve = (entries: readonly GraphTask[], graphOptions = {}, options = {}) =>
  resolveGraph(
    {
      definition: { friendlyName: 'T', injectableName: 'Graph.T', options: graphOptions, tasks: [...entries] },
      options,
      scope: { server: { name: 'rw' } },
    },
    library,
  );
const optionsOf = (entry: GraphTask, graphOptions = {}, options = {}) => {
  const result = resolve([entry], graphOptions, options);
  return result.ok ? result.graph.tasks[0]?.options : result.errors;
};
const errorsOf = (entries: readonly GraphTask[], graphOptions = {}) => {
  const result = resolve(entries, graphOptions);
  return result.ok ? [] : result.errors;
};

describe('options of a task', () => {
  const entry = { label: 'a', taskName: 'Task.noop' };

  it.each([
    ['the task', entry, {}, {}, { needed: 1, declared: 'task' }],
    [
      'optionOverrides over it',
      { ...entry, optionOverrides: { declared: 'over' } },
      {},
      {},
      { needed: 1, declared: 'over' },
    ],
    [
      'defaults over that, where declared or required',
      { ...entry, optionOverrides: { declared: 'over' } },
      { defaults: { declared: 'defaults', needed: 2, stranger: 3 } },
      {},
      { needed: 2, declared: 'defaults' },
    ],
    [
      "the label's own over all, and new keys",
      entry,
      { defaults: { declared: 'defaults' }, a: { declared: 'label', fresh: 1 } },
      {},
      { needed: 1, declared: 'label', fresh: 1 },
    ],
    [
      "the request, merged deep over the graph's",
      entry,
      { a: { fresh: { x: 1, y: 1 } } },
      { a: { fresh: { y: 2 } }, defaults: { declared: 'request' } },
      { needed: 1, declared: 'request', fresh: { x: 1, y: 2 } },
    ],
  ])('%s', (_name, task, graphOptions, request, expected) => {
    expect(optionsOf(task, graphOptions, request)).toEqual(expected);
  });

  it('all defaults reach a task with a schema, and a null of its label hides nothing', () => {
    const graphOptions = { defaults: { stranger: 3, kept: 'defaults' }, a: { kept: null, absent: null } };
    expect(optionsOf({ label: 'a', taskName: 'Task.schema' }, graphOptions)).toEqual({
      must: 'task',
      stranger: 3,
      kept: 'defaults',
      absent: null,
    });
  });

  it('renders what is known now, and leaves context and task for later', () => {
    const own = { a: { x: '{{ server.name }}-{{ options.declared }}', y: '{{ context.z }}', z: '{{ task.nodeId }}' } };
    expect(optionsOf(entry, own)).toMatchObject({ x: 'rw-task', y: '{{ context.z }}', z: '{{ task.nodeId }}' });
  });

  it.each([
    ['a day', {}, 86_400_000],
    ['_taskTimeout', { _taskTimeout: 5_000, schedulerOverrides: { timeout: 1 } }, 5_000],
    ['schedulerOverrides', { schedulerOverrides: { timeout: 7_000 } }, 7_000],
    ['0: none', { _taskTimeout: 0 }, undefined],
    ['-1: none', { _taskTimeout: -1 }, undefined],
  ])('time limit: %s', (_name, own, expected) => {
    const result = resolve([entry], { a: own });
    expect(result.ok && result.graph.tasks[0]?.timeoutMs).toBe(expected);
  });
});

describe('what is resolved', () => {
  it('takes the mode, what is waited for, and what an interruption does from the job', () => {
    const result = resolve(
      [
        { label: 'boot', taskName: '/api/2.0/workflows/tasks/Task.boot' },
        { label: 'inner', taskName: 'Task.inner', waitOn: { boot: 'succeeded' }, ignoreFailure: true },
        { label: 'reset', taskName: 'Task.obm' },
      ],
      { reset: { action: 'reset' } },
    );
    expect(result.ok && result.graph.tasks).toMatchObject([
      { label: 'boot', mode: 'wait', awaits: 'session', runJob: 'Job.Linux.Bootstrap', onInterrupt: 'repeat' },
      { label: 'inner', mode: 'effect', ignoreFailure: true, waitOn: { boot: 'succeeded' } },
      { label: 'reset', mode: 'effect', onInterrupt: 'verify' },
    ]);
  });

  it('takes an inline definition', () => {
    const result = resolve([
      { label: 'a', taskDefinition: concrete('Task.inline', 'Base.obm', { options: { action: 'on' } }) },
    ]);
    expect(result.ok && result.graph.tasks[0]).toMatchObject({ taskName: 'Task.inline', options: { action: 'on' } });
  });
});

describe('errors', () => {
  const a = { label: 'a', taskName: 'Task.noop' };

  it.each<[string, GraphTask[], object, string]>([
    ['unknown task', [{ label: 'a', taskName: 'Task.gone' }], {}, "task 'a': unknown task Task.gone"],
    [
      'unknown base',
      [{ label: 'a', taskName: 'Task.orphan' }],
      {},
      "task 'a': Task.orphan implements the unknown task Base.gone",
    ],
    [
      'unknown job',
      [{ label: 'a', taskName: 'Task.nojob' }],
      {},
      "task 'a': the job Job.Missing of Base.nojob is not part of this server",
    ],
    ['neither name nor definition', [{ label: 'a' }], {}, "task 'a': has to have either taskName or taskDefinition"],
    [
      'missing option',
      [{ label: 'a', taskName: 'Task.needy' }],
      {},
      "task 'a': option 'needed' is required by Base.noop",
    ],
    [
      'missing by schema',
      [{ label: 'a', taskName: 'Task.schema', optionOverrides: { must: null } }],
      {},
      "task 'a': option 'must' is required by Base.schema",
    ],
    [
      'wrong value',
      [a],
      { a: { delay: 'soon' } },
      "task 'a': option 'delay': Invalid input: expected number, received string",
    ],
    [
      'no value for an expression',
      [a],
      { a: { x: '{{ server.none }}' } },
      "task 'a': option 'x': 'server.none' has no value",
    ],
    [
      'property of nobody before',
      [{ label: 'a', taskName: 'Task.inner' }],
      {},
      'task \'a\': needs a task before it whose property os.linux.type is "microkernel"',
    ],
    ['same label twice', [a, a], {}, "task 'a': another task has the same label"],
    ['reserved label', [{ ...a, label: 'anyOf' }], {}, "task 'anyOf': this label has a meaning of its own"],
    [
      'waits on nobody',
      [{ ...a, waitOn: { gone: 'succeeded' } }],
      {},
      "task 'a': waits on 'gone', which is no task here",
    ],
    [
      'waits on nobody in anyOf',
      [{ ...a, waitOn: { anyOf: { gone: 'failed' } } }],
      {},
      "task 'a': waits on 'gone', which is no task here",
    ],
    ['waits on itself', [{ ...a, waitOn: { a: 'failed' } }], {}, 'tasks wait in a circle: a'],
    [
      'circle',
      [
        { ...a, waitOn: { b: 'failed' } },
        { ...a, label: 'b', waitOn: { a: 'finished' } },
      ],
      {},
      'tasks wait in a circle: a, b',
    ],
  ])('%s', (_name, entries, graphOptions, expected) => {
    expect(errorsOf(entries, graphOptions)).toEqual([expected]);
  });

  it('lists everything that is wrong', () => {
    const entries = [
      { label: 'a', taskName: 'Task.gone' },
      { label: 'b', taskName: 'Task.needy' },
    ];
    expect(errorsOf(entries)).toHaveLength(2);
  });
});

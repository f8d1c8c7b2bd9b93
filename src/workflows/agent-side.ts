import type { ResolvedTask, Run } from '../model/run.ts';
import type { Store } from '../store/collections.ts';
import { bootingTask, isContentWithPresence, nextForAgent } from './agent-work.ts';
import type { AgentWorkItem, AttemptId, Engine } from './engine-interface.ts';
import { checkOptions } from './graph.ts';
import type { AgentJob, AgentWork, Bag, CommandResult, Job, SessionJob, TaskOutcome } from './job.ts';
import type { Signals } from './signals.ts';
import { renderTask } from './step.ts';
import type { Stepper } from './stepper.ts';

/** The engine as the southbound side sees it: sessions, work, reports, and what a node boots. */

export interface AgentSideDeps {
  readonly store: Store;
  readonly jobs: readonly Job[];
  readonly secrets: { resolve(nodeId: string, name: string): Promise<string | undefined> };
  readonly stepper: Stepper;
  readonly signals: Signals;
  readonly activeRun: (nodeId: string) => Promise<Run | undefined>;
  readonly now: () => Date;
}

type AgentSide = Pick<Engine, 'session' | 'workFor' | 'attempt' | 'report' | 'callback' | 'bootProfileFor'>;

/** What an agent is told where a task has no deadline. */
const longestAgentSeconds = 24 * 3600;

export function createAgentSide(deps: AgentSideDeps): AgentSide {
  const { stepper, signals, activeRun } = deps;

  const session: AgentSide['session'] = async (nodeId, bootId) => {
    const run = await activeRun(nodeId);
    if (run?.state === 'running') await signals.send(run.id, `session/${bootId}`, { kind: 'session', bootId });
  };

  return {
    session,
    workFor: async (nodeId, bootId) => {
      const present = await activeRun(nodeId);
      if (present?.state !== 'running') return undefined;
      const graph = await stepper.graphOf(present);
      if (isContentWithPresence(present, graph)) await session(nodeId, bootId);
      for (;;) {
        const run = await activeRun(nodeId);
        const task = run?.state === 'running' ? nextForAgent(run, graph, bootId) : undefined;
        if (!task || run?.id !== present.id) return undefined;
        const item = await handOver(deps, { run, task, bootId });
        if (item) return item;
      }
    },
    attempt: async (runId, label, attempt) => {
      const run = await deps.store.runs.get(runId);
      if (run?.nodeId === undefined || run.state !== 'running') return undefined;
      const task = (await stepper.graphOf(run)).tasks.find((resolved) => resolved.label === label);
      const current = run.tasks[label];
      if (task?.awaits !== 'report' || current?.state !== 'waiting' || current.attempt !== attempt) return undefined;
      const found = workOf(deps.jobs, run, task);
      return found.ok ? { nodeId: run.nodeId, work: found.work, conclude: found.conclude } : undefined;
    },
    callback: (runId, name, call) => signals.send(runId, `callback/${name}`, { kind: 'callback', name, ...call }),
    report: (id, report) => takeReport(deps, id, report),
    bootProfileFor: async (nodeId) => {
      const run = await activeRun(nodeId);
      if (run?.state !== 'running') return undefined;
      const task = bootingTask(run, await stepper.graphOf(run));
      const job = deps.jobs.find(({ runJob }) => runJob === task?.runJob);
      if (!task || job?.mode !== 'wait' || job.awaits !== 'session') return undefined;
      const options = parsedOptions(job, run, task);
      return options.ok ? (job as SessionJob).boots(options.value) : undefined;
    },
  };
}

const takeReport = async (
  { store, signals }: AgentSideDeps,
  { runId, label, attempt }: AttemptId,
  report: Parameters<Engine['report']>[1],
): ReturnType<Engine['report']> => {
  const id = `report/${label}/${attempt}`;
  const run = await store.runs.get(runId);
  if (!run) return 'stale';
  if (run.consumed.includes(`${runId}/${id}`)) return 'repeated';
  const task = Object.hasOwn(run.tasks, label) ? run.tasks[label] : undefined;
  if (task?.state !== 'waiting' || task.attempt !== attempt) return 'stale';
  const { ok, reason, message, context, interrupted, output } = report;
  // Kept before the signal: a crash between the two makes the agent deliver again.
  if (output !== undefined) {
    await store.taskOutputs.insert({ id: `${runId}/${label}/${attempt}`, runId, label, attempt, data: output });
  }
  const said = {
    ...(reason === undefined ? {} : { reason }),
    ...(message === undefined ? {} : { message }),
    ...(context === undefined ? {} : { context }),
    ...(interrupted === undefined ? {} : { interrupted }),
  };
  const answer = await signals.send(runId, id, { kind: 'report', label, attempt, ok, ...said });
  return answer === 'refused' ? 'stale' : answer;
};

/** Marks the task as this boot's, then gives its work; undefined where it ended instead, so that the next may be due. */
async function handOver(
  deps: AgentSideDeps,
  { run, task, bootId }: { run: Run; task: ResolvedTask; bootId: string },
): Promise<AgentWorkItem | undefined> {
  const { stepper } = deps;
  const { label } = task;
  const attempt = run.tasks[label]?.attempt ?? 0;
  const found = workOf(deps.jobs, run, task);
  const environment = found.ok ? await environmentOf(deps, run.nodeId ?? '', found.work) : {};
  const problem = found.ok ? missingSecret(environment) : found.message;
  if (!found.ok || problem !== undefined) {
    const outcome = { ok: false as const, reason: 'options', message: problem ?? '' };
    await stepper.step(run.id, { kind: 'finish', label, attempt, outcome });
    return undefined;
  }
  const taken = await stepper.step(run.id, { kind: 'taken', label, attempt, bootId });
  if (!taken.run && taken.refused !== 'repeated') return undefined;
  const seconds = task.timeoutMs === undefined ? longestAgentSeconds : Math.max(1, Math.round(task.timeoutMs / 1000));
  const { commands, stopOnError, then } = found.work;
  return {
    runId: run.id,
    label,
    attempt,
    commands,
    environment: environment as Record<string, string>,
    timeoutSeconds: seconds,
    ...(stopOnError === undefined ? {} : { stopOnError }),
    ...(then === undefined ? {} : { then }),
  };
}

type Found<T> = ({ readonly ok: true } & T) | { readonly ok: false; readonly message: string };

interface FoundWork {
  readonly work: AgentWork;
  readonly conclude: (results: readonly CommandResult[]) => TaskOutcome;
}

function workOf(jobs: readonly Job[], run: Run, task: ResolvedTask): Found<FoundWork> {
  const job = jobs.find(({ runJob }) => runJob === task.runJob);
  if (job?.mode !== 'wait' || job.awaits !== 'report') {
    return { ok: false, message: `the job ${task.runJob} is not part of this server` };
  }
  const options = parsedOptions(job, run, task);
  if (!options.ok) return options;
  const agentJob = job as AgentJob;
  return {
    ok: true,
    work: agentJob.agentWork(options.value, run.context),
    conclude: (results) => agentJob.conclude?.(results, options.value, run.context) ?? { ok: true },
  };
}

function parsedOptions(job: Job, run: Run, task: ResolvedTask): Found<{ value: Bag }> {
  const rendered = renderTask(run, task);
  if (!rendered.ok) return rendered;
  const errors = checkOptions(job, rendered.options);
  if (errors.length > 0) return { ok: false, message: errors.join('; ') };
  return { ok: true, value: job.options.parse(rendered.options) };
}

/** The commands' environment with secrets in place; undefined for one that the node does not have. */
async function environmentOf(
  { secrets }: AgentSideDeps,
  nodeId: string,
  { environment = {} }: AgentWork,
): Promise<Record<string, string | undefined>> {
  const values = Object.entries(environment).map(async ([name, value]) => {
    return [name, typeof value === 'string' ? value : await secrets.resolve(nodeId, value.secret)] as const;
  });
  return Object.fromEntries(await Promise.all(values));
}

function missingSecret(environment: Record<string, string | undefined>): string | undefined {
  const missing = Object.keys(environment).filter((name) => environment[name] === undefined);
  return missing.length === 0 ? undefined : `the node has no secret for ${missing.join(', ')}`;
}

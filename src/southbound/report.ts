import type { Boot } from '../model/records.ts';
import type { AttemptReport, ReportAnswer } from '../workflows/engine-interface.ts';
import type { AgentCommand, CommandResult, TaskOutcome } from '../workflows/job.ts';
import type { SouthboundDeps } from './deps.ts';

/** What reading a report needs of the southbound. */
interface ReportDeps extends Pick<SouthboundDeps, 'ingest' | 'record'> {
  readonly engine: Pick<SouthboundDeps['engine'], 'attempt' | 'report'>;
}

/** A delivered attempt. */
export interface AgentReport {
  readonly boot: Boot;
  readonly runId: string;
  readonly label: string;
  readonly attempt: number;
  readonly results: readonly CommandResult[];
}

/** Ends of outputs that are kept with the attempt; whole outputs live in catalogs only. */
const keptOutput = 4096;

/**
 * Ingests what a report brings, then tells the engine how the attempt ended. Catalogs are written first: a crash
 * between the two makes the agent deliver the same report again, which changes nothing.
 */
export async function acceptReport(deps: ReportDeps, report: AgentReport): Promise<ReportAnswer> {
  const { boot, runId, label, attempt, results } = report;
  const key = { runId, label, attempt };
  const open = await deps.engine.attempt(runId, label, attempt);
  // Not open: either accepted before (the engine says so and changes nothing) or stale.
  if (!open) return deps.engine.report(key, { ok: false, message: 'the attempt was not open' });
  if (open.nodeId !== boot.nodeId) {
    const text = `an agent delivered a result of another node's task '${label}'`;
    deps.record({ kind: 'agent.refused', how: 'token', text, mac: boot.mac, nodeId: boot.nodeId, runId });
    return 'stale';
  }
  const problems: string[] = [];
  const ignored: string[] = [];
  for (const [index, command] of open.work.commands.entries()) {
    const result = results[index];
    const problem = await checkCommand(deps, report, { command, result });
    // What the agent's own end cut off is to be repeated, whatever it was.
    const isIgnored = command.ignoreFailure === true && result?.interrupted !== true;
    if (problem !== undefined) (isIgnored ? ignored : problems).push(problem);
  }
  const output = results.map(({ code, stdout, stderr }) => ({ code, stdout: tail(stdout), stderr: tail(stderr) }));
  const ended: AttemptReport = { ...endOf(problems, results, open.conclude), output };
  const { ok } = ended;
  const answer = await deps.engine.report(key, ended);
  const without = ignored.length === 0 ? '' : `, without ${ignored.join('; ')}`;
  const text = ok
    ? `the agent finished '${label}'${without}`
    : `the agent's task '${label}' failed: ${ended.message ?? ''}`;
  deps.record({
    kind: 'agent.report',
    how: 'token',
    text,
    mac: boot.mac,
    nodeId: boot.nodeId,
    runId,
    data: { label, attempt, ok },
  });
  return answer;
}

function endOf(
  problems: readonly string[],
  results: readonly CommandResult[],
  conclude: (results: readonly CommandResult[]) => TaskOutcome,
): AttemptReport {
  if (problems.length === 0) {
    const concluded = conclude(results);
    return concluded.ok ? concluded : { ...concluded, message: concluded.message.slice(0, 2000) };
  }
  const message = problems.join('; ').slice(0, 2000);
  const interrupted = results.some((result) => result.interrupted);
  return { ok: false, message, ...(interrupted ? { interrupted } : {}) };
}

/** What is wrong with one command's result; undefined: nothing. */
async function checkCommand(
  deps: ReportDeps,
  { boot, runId, label, attempt }: AgentReport,
  { command, result }: { command: AgentCommand; result: CommandResult | undefined },
): Promise<string | undefined> {
  const name = `'${command.title ?? command.command.split('\n', 1)[0]?.slice(0, 80) ?? ''}'`;
  if (!result) return `${name} was not run`;
  if (result.interrupted) return `${name} was interrupted, and may have taken effect`;
  if (result.timedOut) return `${name} did not end in time`;
  const accepted = command.acceptedResponseCodes ?? [0];
  if (!accepted.includes(result.code)) {
    const why = result.stderr.trim().split('\n').at(-1) ?? '';
    return `${name} ended with code ${result.code}${why === '' ? '' : `: ${why.slice(0, 300)}`}`;
  }
  if (!command.catalog) return undefined;
  if (result.truncated) return `${name} printed more than a catalog may have`;
  const { source, format } = command.catalog;
  const ingested = await deps.ingest({
    nodeId: boot.nodeId,
    runId,
    attempt: `${runId}/${label}/${attempt}`,
    source,
    format,
    output: result.stdout,
  });
  return ingested.ok ? undefined : `catalog ${source}: ${ingested.reason}`;
}

function tail(text: string): string {
  return text.length <= keptOutput ? text : `...${text.slice(-keptOutput)}`;
}

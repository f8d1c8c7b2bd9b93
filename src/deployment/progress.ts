import type { DeploymentProgress } from '../model/deployment.ts';
import type { NewFact } from '../model/fact.ts';

/** What a node tells of a step that takes its time. */
export interface ProgressReport {
  readonly step: string;
  readonly bytes: number;
  readonly total: number;
}

/** Reports that come faster are not kept: a node says so every 2 s at most. Milliseconds. */
const apartMs = 500;
/** Facts a step: a timeline is for reading. */
const factsPerStep = 20;

/**
 * The progress that a report makes of what was known; undefined where it is not worth a write. A step that begins, or
 * begins again, says so by 0 bytes.
 */
export function progressAfter(
  before: DeploymentProgress | undefined,
  report: ProgressReport,
  now: Date,
): DeploymentProgress | undefined {
  const bytes = Math.min(report.bytes, report.total);
  const at = now.toISOString();
  const goesOn = before?.step === report.step && before.total === report.total && bytes > 0;
  if (!goesOn) return { step: report.step, bytes, total: report.total, since: at, at };
  // One that was overtaken on its way.
  if (bytes <= before.bytes) return undefined;
  const isEarly = now.getTime() - Date.parse(before.at) < apartMs;
  return isEarly && bytes < report.total ? undefined : { ...before, bytes, at };
}

/** Whether a change is for the timeline: a step's begin, its end, and some in between. */
export function isForTimeline(before: DeploymentProgress | undefined, after: DeploymentProgress): boolean {
  const goesOn = before?.step === after.step && before.since === after.since;
  return !goesOn || partOf(before) !== partOf(after);
}

function partOf({ bytes, total }: DeploymentProgress): number {
  return total === 0 ? factsPerStep : Math.floor((bytes / total) * factsPerStep);
}

/** The fact: how far, how fast (bytes a second since the step began), and how long still. */
export function progressFact(progress: DeploymentProgress, about: { nodeId: string; runId: string }): NewFact {
  const { step, bytes, total, since, at } = progress;
  const seconds = (Date.parse(at) - Date.parse(since)) / 1000;
  const rate = seconds > 0 ? Math.round(bytes / seconds) : undefined;
  const secondsLeft = rate ? Math.ceil((total - bytes) / rate) : undefined;
  const percent = total === 0 ? 100 : Math.floor((bytes / total) * 100);
  const speed = rate === undefined ? '' : `, ${(rate / 1e6).toFixed(1)} MB/s`;
  const left = secondsLeft === undefined || bytes === total ? '' : `, about ${secondsLeft} s left`;
  const text = `${step}: ${percent} % of ${(total / 1e6).toFixed(0)} MB${speed}${left}`;
  return { kind: 'deploy.progress', how: 'token', text, ...about, data: { step, bytes, total, rate, secondsLeft } };
}

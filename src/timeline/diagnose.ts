import type { Fact } from '../model/fact.ts';
import { progressOf } from './progress.ts';
import type { BootAttempt, Timeline } from './timeline.ts';
import { causes } from './verdicts/index.ts';
import type { Finding, Settings, VerdictOutcome, View } from './verdicts/verdict.ts';

/** One cause that may be it. */
export interface Verdict extends Finding {
  readonly cause: string;
  readonly title: string;
}

/** What became of a machine's newest boot, the likeliest cause first. It never triggers anything. */
export interface Diagnosis {
  readonly node?: string;
  readonly name: string;
  /** ISO 8601: what was known then. */
  readonly at: string;
  /** That of the first verdict; `unknown` without one. */
  readonly outcome: VerdictOutcome | 'unknown';
  readonly boot?: { readonly began: string; readonly beganBy: BootAttempt['beganBy']; readonly facts: number };
  readonly verdicts: readonly Verdict[];
}

/** Facts that are no machine's, and settings. */
export interface Surroundings {
  readonly rogues: readonly Fact[];
  readonly settings: Settings;
}

/** A machine that loops fails, then begins anew: for so long the boot before still tells why. */
const loopMs = 15 * 60_000;

/** Judges the newest boot of a timeline. Pure. */
export function diagnose(timeline: Timeline, surroundings: Surroundings, now: Date): Diagnosis {
  const { subject, boots } = timeline;
  const boot = boots.at(-1);
  const found = judge(timeline, boot, surroundings, now);
  const verdicts = [...found, ...(found[0]?.outcome === 'in-progress' ? before(timeline, surroundings, now) : [])];
  return {
    ...(subject.nodeId !== undefined && { node: subject.nodeId }),
    name: subject.name,
    at: now.toISOString(),
    outcome: verdicts[0]?.outcome ?? 'unknown',
    ...(boot && { boot: { began: boot.began, beganBy: boot.beganBy, facts: boot.facts.length } }),
    verdicts,
  };
}

function judge(
  { subject }: Timeline,
  boot: BootAttempt | undefined,
  { rogues, settings }: Surroundings,
  now: Date,
): Verdict[] {
  const progress = progressOf(boot);
  const last = progress.lastSeen ?? progress.powered;
  // Silence after we switched it off says nothing.
  const until = progress.poweredOff ? Date.parse(progress.poweredOff.at) : now.getTime();
  const silence = last ? Math.max(0, (until - Date.parse(last.at)) / 1000) : Infinity;
  const during = rogues.filter(({ at }) => boot !== undefined && at >= boot.began);
  const view: View = { subject, boot, progress, rogues: during, settings, silence };
  return causes
    .flatMap(({ cause, title, judge: find }) => {
      const finding = find(view);
      return finding ? [{ cause, title, ...finding }] : [];
    })
    .toSorted((a, b) => b.confidence - a.confidence);
}

/** What stopped the boot before the newest, if that was just now: half as sure, since this one may do better. */
function before(timeline: Timeline, surroundings: Surroundings, now: Date): Verdict[] {
  const [previous, newest] = timeline.boots.slice(-2);
  if (!previous || !newest || now.getTime() - Date.parse(newest.began) > loopMs) return [];
  return judge(timeline, previous, surroundings, new Date(newest.began))
    .filter(({ outcome }) => outcome === 'stopped')
    .map((verdict) => ({
      ...verdict,
      confidence: verdict.confidence / 2,
      why: `The boot before this one: ${verdict.why}`,
    }));
}

import type { Fact } from '../../model/fact.ts';
import type { NodeStateName } from '../../model/node-states.ts';
import type { Hop, Progress } from '../progress.ts';
import type { Subject } from '../subject.ts';
import type { BootAttempt } from '../timeline.ts';

/** Everything a verdict may look at: one boot, and the few settings that explain silence on our side. */
export interface View {
  readonly subject: Subject;
  readonly boot: BootAttempt | undefined;
  readonly progress: Progress;
  /** Other DHCP servers that were seen on our networks during the boot. */
  readonly rogues: readonly Fact[];
  readonly settings: Settings;
  /** Seconds since the machine was last seen; since it was switched on, if it was not seen. */
  readonly silence: number;
}

export interface Settings {
  /** Whether we tell clients of the machine's network what to boot; undefined where networks differ and we do not know which. */
  readonly boot: boolean | undefined;
  readonly addresses: boolean | undefined;
}

export interface Evidence {
  readonly text: string;
  /** The fact it stands on; none for settings and for what did not happen. */
  readonly factId?: string;
  readonly at?: string;
}

/** `well`: nothing to do; `in-progress`: wait; `stopped`: the boot does not go on by itself. */
export type VerdictOutcome = 'well' | 'in-progress' | 'stopped';

export interface Finding {
  /** 0..1: how far what was seen speaks for this cause. */
  readonly confidence: number;
  readonly outcome: VerdictOutcome;
  /** What happened, in one or two sentences for somebody at the rack. */
  readonly why: string;
  readonly evidence: readonly Evidence[];
  /** The one check that would tell this cause from the next. */
  readonly nextCheck: string;
}

/** One cause: a pure rule that finds for it, or has nothing to say. */
export interface Cause {
  readonly cause: string;
  readonly title: string;
  readonly judge: (view: View) => Finding | undefined;
}

/** Evidence from facts, in their order; those that are not there are left out. */
export function evidenceOf(...facts: readonly (Fact | undefined)[]): Evidence[] {
  const present = facts.filter((fact) => fact !== undefined);
  const unique = [...new Map(present.map((fact) => [fact.id, fact])).values()];
  return unique
    .toSorted((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0))
    .map(({ id, at, text }) => ({ factId: id, at, text }));
}

/** Seconds of silence after which a boot at this hop does not go on: generous, since servers are slow. */
export const patience: Readonly<Record<Hop, number>> = {
  // Memory tests and option ROMs.
  power: 300,
  asked: 30,
  answered: 60,
  loader: 60,
  ipxe: 60,
  script: 45,
  // The ramdisk is on its way, which leaves no fact before its end.
  kernel: 120,
  // Kernel, drivers, link, address, agent.
  identity: 240,
  // Then the run and its own deadlines count.
  agent: Infinity,
};

export function isQuiet({ silence, progress }: View): boolean {
  return silence >= patience[progress.reached];
}

/** A duration for people: `45 s`, `12 min`, `3 h`, `2 days`. */
export function duration(seconds: number): string {
  if (seconds < 120) return `${Math.round(seconds)} s`;
  if (seconds < 2 * 3600) return `${Math.round(seconds / 60)} min`;
  return seconds < 48 * 3600 ? `${Math.round(seconds / 3600)} h` : `${Math.round(seconds / 86_400)} days`;
}

/** Silence as evidence. */
export function silenceOf({ silence }: View): Evidence {
  return { text: `nothing more was seen for ${duration(silence)}` };
}

/** Whether a node in this state boots nothing unless a run says so: then an own disk that boots is all right. */
export function bootsItsOwnDisk({ subject }: View): boolean {
  return subject.state !== undefined && ownDisk.has(subject.state);
}

const ownDisk: ReadonlySet<NodeStateName> = new Set(['discovered', 'maintenance', 'available', 'deployed']);

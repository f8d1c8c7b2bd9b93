import type { Diagnosis, Verdict } from './diagnose.ts';
import { duration } from './verdicts/verdict.ts';

/** The parts of a timeline that are printed; those of the API's answer. */
export interface PrintableTimeline {
  readonly facts: readonly {
    readonly at: string;
    readonly kind: string;
    readonly how: string;
    readonly text: string;
  }[];
  readonly boots: readonly { readonly began: string; readonly beganBy: 'power' | 'firmware' | 'other' }[];
}

const beginnings = { power: 'switched on by us', firmware: 'it asked the network', other: 'first seen' };

/** Most facts of a boot that are printed; the middle of a longer one is left out. */
const mostFacts = 60;

/** The newest boot step by step, then the verdicts: what `rackwright why` prints. Pure; no colours, no control codes. */
export function renderWhy(timeline: PrintableTimeline, diagnosis: Diagnosis): string[] {
  return [
    `${plain(diagnosis.name)}${diagnosis.node === undefined ? ' (not enrolled)' : ` (node ${diagnosis.node})`}`,
    ...renderBoot(timeline, diagnosis),
    '',
    ...diagnosis.verdicts.flatMap((verdict, index) => renderVerdict(verdict, index, diagnosis.at)),
    ...(diagnosis.verdicts.length === 0
      ? ['No rule has anything to say about this boot; the timeline above is all we know.']
      : []),
  ];
}

function renderBoot({ facts, boots }: PrintableTimeline, { at }: Diagnosis): string[] {
  const boot = boots.at(-1);
  if (!boot) return ['no boot was seen'];
  const steps = facts.filter((fact) => fact.at >= boot.began);
  const shown = steps.map(
    (fact) => `${offset(boot.began, fact.at)}  ${plain(fact.text)}${fact.how === 'packet' ? '' : ` [${fact.how}]`}`,
  );
  const left = shown.length - mostFacts;
  const lines =
    left <= 0
      ? shown
      : [...shown.slice(0, mostFacts / 2), `${' '.repeat(10)}... ${left} more ...`, ...shown.slice(-mostFacts / 2)];
  return [`boot ${boots.length}, begun ${boot.began}, ${ago(boot.began, at)} (${beginnings[boot.beganBy]})`, ...lines];
}

function renderVerdict(verdict: Verdict, index: number, now: string): string[] {
  const sure = `${Math.round(verdict.confidence * 100)} %`;
  return [
    `${index === 0 ? '=>' : 'or'} ${verdict.title} (${sure})`,
    `   ${plain(verdict.why)}`,
    ...verdict.evidence.map(({ text, at }) => `   - ${plain(text)}${at === undefined ? '' : `, ${ago(at, now)}`}`),
    `   Next check: ${plain(verdict.nextCheck)}`,
  ];
}

/** Time since the boot began: `+   12.3 s`. */
function offset(from: string, to: string): string {
  const seconds = (Date.parse(to) - Date.parse(from)) / 1000;
  return `+${seconds.toFixed(1).padStart(7)} s`;
}

function ago(from: string, to: string): string {
  return `${duration(Math.max(0, (Date.parse(to) - Date.parse(from)) / 1000))} ago`;
}

/** Facts come over the network from the server, and before that from machines: nothing of them may steer a terminal. */
function plain(text: string): string {
  return text.replace(/\p{Cc}/gu, '?');
}

import type { Fact } from '../model/fact.ts';
import type { Ipv4 } from '../net/address.ts';
import type { Subject } from './subject.ts';

/** Everything that happened to one machine, in order, and the boots that it makes up. */
export interface Timeline {
  readonly subject: Subject;
  readonly facts: readonly Fact[];
  /** What came before the first boot is in none. */
  readonly boots: readonly BootAttempt[];
}

/** From one power-on, or one request of the firmware, to the next. */
export interface BootAttempt {
  /** ISO 8601. */
  readonly began: string;
  /** `power`: we switched it on; `firmware`: it asked by itself; `other`: its firmware was not seen. */
  readonly beganBy: 'power' | 'firmware' | 'other';
  readonly facts: readonly Fact[];
}

/** The time in which an address was the machine's: facts that name only the address belong to it then. */
export interface Holding {
  readonly address: Ipv4;
  /** ISO 8601; `until` is not part of it. */
  readonly from: string;
  readonly until: string;
}

/** A client that has an address and neither renews nor returns it: no lease that we know is longer. */
const longestHoldingMs = 24 * 3_600_000;

/** These say that the machine of this MAC has the address. */
const holdingKinds: ReadonlySet<string> = new Set(['dhcp.ack', 'boot.script', 'agent.session', 'dhcp.inform']);

/** Which addresses the machine had, and when; another client's claim on the address ends it. */
export function holdingsOf(subject: Subject, facts: readonly Fact[]): Holding[] {
  const holdings: Holding[] = [];
  const open = new Map<Ipv4, { from: string; until: string }>();
  const close = (address: Ipv4, at: string): void => {
    const holding = open.get(address);
    if (!holding) return;
    holdings.push({ address, from: holding.from, until: at < holding.until ? at : holding.until });
    open.delete(address);
  };
  for (const fact of inOrder(facts)) {
    if (fact.address === undefined || fact.mac === undefined) continue;
    if (!subject.macs.includes(fact.mac)) {
      if (fact.kind === 'dhcp.ack') close(fact.address, fact.at);
    } else if (fact.kind === 'dhcp.release' || fact.kind === 'dhcp.decline') {
      close(fact.address, fact.at);
    } else if (holdingKinds.has(fact.kind) || isRequestOfHolder(fact)) {
      const until = new Date(Date.parse(fact.at) + longestHoldingMs).toISOString();
      open.set(fact.address, { from: open.get(fact.address)?.from ?? fact.at, until });
    }
  }
  for (const [address, { from, until }] of open) holdings.push({ address, from, until });
  return holdings;
}

/** On port 4011 a client asks from the address that another server gave it. */
function isRequestOfHolder(fact: Fact): boolean {
  return fact.kind === 'dhcp.request' && fact.data.port !== undefined;
}

/**
 * The facts that belong to the subject, in order, in boots. `facts` may hold others': those of a shared address, for
 * one. The join is made here, on reading, so that what came before enrolment belongs too.
 */
export function buildTimeline(subject: Subject, facts: readonly Fact[]): Timeline {
  const unique = [...new Map(facts.map((fact) => [fact.id, fact])).values()];
  const holdings = holdingsOf(subject, unique);
  const own = inOrder(unique.filter((fact) => belongs(fact, subject, holdings)));
  return { subject, facts: own, boots: groupBoots(own) };
}

function belongs(fact: Fact, subject: Subject, holdings: readonly Holding[]): boolean {
  if (fact.nodeId !== undefined && fact.nodeId !== subject.nodeId) return false;
  if (fact.nodeId !== undefined) return true;
  if (fact.mac !== undefined && subject.macs.includes(fact.mac)) return true;
  if (fact.uuid !== undefined && fact.uuid.toLowerCase() === subject.uuid) return true;
  if (fact.mac !== undefined || fact.uuid !== undefined) return false;
  return holdings.some(({ address, from, until }) => fact.address === address && fact.at >= from && fact.at < until);
}

function inOrder(facts: readonly Fact[]): Fact[] {
  return facts.toSorted((a, b) => compare(a.at, b.at) || compare(a.id, b.id));
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Firmware repeats its request for about a minute; after a longer pause it is another try. */
const retriesMs = 90_000;
/** From a power-on to the first request: servers test their memory for minutes. */
const selfTestMs = 15 * 60_000;

const powerStarts: ReadonlySet<unknown> = new Set(['powerOn', 'powerCycle', 'reset']);

function groupBoots(facts: readonly Fact[]): BootAttempt[] {
  const boots: { began: string; beganBy: BootAttempt['beganBy']; facts: Fact[] }[] = [];
  for (const fact of facts) {
    const current = boots.at(-1);
    const beganBy = beginning(fact, current);
    if (beganBy) boots.push({ began: fact.at, beganBy, facts: [fact] });
    else current?.facts.push(fact);
  }
  return boots;
}

/** Whether the fact begins a boot, after what there is of the current one. */
function beginning(fact: Fact, current: BootAttempt | undefined): BootAttempt['beganBy'] | undefined {
  if (isPowerStart(fact)) return 'power';
  if (isFirmwareRequest(fact)) return current && isRetry(fact, current) ? undefined : 'firmware';
  return current === undefined && isSeenOnWire(fact) ? 'other' : undefined;
}

/** A command that starts the machine, or should have; switching on what is on starts nothing, but nobody can tell. */
function isPowerStart(fact: Fact): boolean {
  return (fact.kind === 'bmc.command' || fact.kind === 'bmc.failed') && powerStarts.has(fact.data.action);
}

function isFirmwareRequest(fact: Fact): boolean {
  return fact.kind === 'dhcp.discover' && fact.data.stage === 'firmware';
}

/** Whether the fact came from the machine itself, or was our answer to it. */
export function isSeenOnWire(fact: Fact): boolean {
  return /^(dhcp|tftp|boot|agent|deploy)\./.test(fact.kind);
}

/** Whether a request of the firmware belongs to the current boot: its first after power-on, or the same once more. */
function isRetry(fact: Fact, { facts, began, beganBy }: BootAttempt): boolean {
  const at = Date.parse(fact.at);
  const seen = facts.filter(isSeenOnWire);
  const last = seen.at(-1);
  if (!last) return beganBy === 'power' && at - Date.parse(began) < selfTestMs;
  return seen.every(({ kind }) => kind.startsWith('dhcp.')) && at - Date.parse(last.at) < retriesMs;
}

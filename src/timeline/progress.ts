import type { Fact, FactKind } from '../model/fact.ts';
import type { BootAttempt } from './timeline.ts';

/** The hops of a boot, in the order in which they come. */
export const hops = ['power', 'asked', 'answered', 'loader', 'ipxe', 'script', 'kernel', 'identity', 'agent'] as const;
export type Hop = (typeof hops)[number];

/** What one boot did, as the verdicts ask it: the telling fact of each step, the newest where there are several. */
export interface Progress {
  /** How far the boot came. */
  readonly reached: Hop;
  readonly powered?: Fact;
  /** The power was switched off by us, and nothing was seen after. */
  readonly poweredOff?: Fact;
  readonly powerFailed?: Fact;
  /** A boot loader or firmware asked for an address. */
  readonly asked?: Fact;
  readonly ignored?: Fact;
  readonly otherServer?: Fact;
  /** The newest answer to firmware or loader. */
  readonly answer?: Fact;
  /** The newest answer with a file to the firmware. */
  readonly loaderNamed?: Fact;
  readonly loaderAsked?: Fact;
  readonly loaderDone?: Fact;
  readonly loaderFailed?: Fact;
  readonly ipxeAsked?: Fact;
  readonly ipxeAnswer?: Fact;
  readonly script?: Fact;
  readonly kernel?: Fact;
  readonly ramdisk?: Fact;
  /** The newest failed delivery of a file that was not delivered later. */
  readonly fileFailed?: Fact;
  readonly loaderReport?: Fact;
  readonly identity?: Fact;
  /** An operating system asked for an address after the kernel was fetched. */
  readonly osAsked?: Fact;
  readonly session?: Fact;
  /** The newest refusal of identity or agent. */
  readonly refused?: Fact;
  readonly runFinished?: Fact;
  /** The newest workflow of this boot waits, or waited, for the call of the system that it put on the disk. */
  readonly homeAwaited?: Fact;
  /** The newest fact that came from the machine itself, or was our answer to it. */
  readonly lastSeen?: Fact;
}

const textOf = (fact: Fact, key: string): string => {
  const value = fact.data[key];
  return typeof value === 'string' ? value : '';
};

/** File of a transfer, whoever recorded it. */
export function fileOf(fact: Fact): string {
  return textOf(fact, 'path') || textOf(fact, 'file');
}

/** Reads one boot. Pure; looks at nothing but the facts' kinds and data. */
export function progressOf(boot: BootAttempt | undefined): Progress {
  const facts = boot?.facts ?? [];
  const last = (kind: FactKind | readonly FactKind[], accept: (fact: Fact) => boolean = () => true): Fact | undefined =>
    facts.findLast((fact) => (Array.isArray(kind) ? kind.includes(fact.kind) : fact.kind === kind) && accept(fact));

  const inStage =
    (...stages: string[]) =>
    (fact: Fact) =>
      stages.includes(textOf(fact, 'stage'));
  const forBoot = (fact: Fact): boolean => textOf(fact, 'stage') !== 'os';
  const isLoader = (fact: Fact): boolean => fact.kind.startsWith('tftp.') || fileOf(fact).startsWith('loaders/');
  const named = (end: string) => (fact: Fact) => fileOf(fact).endsWith(end);
  const command =
    (...actions: string[]) =>
    (fact: Fact) =>
      actions.includes(textOf(fact, 'action'));

  const lastSeen = facts.findLast((fact) => /^(dhcp|tftp|boot|agent|catalog|deploy)\./.test(fact.kind));
  const switchedOff = last('bmc.command', command('powerOff', 'soft'));
  const kernel = last('boot.file', named('/vmlinuz'));
  // What an earlier workflow of the same boot came to is history once another has begun.
  const [begun, finished] = [last('run.started'), last('run.finished')];
  const homeAwaited = last('run.task', (fact) => fact.data.callback === 'phone-home' && fact.data.state === 'began');
  const fileFailed = last('boot.file-failed', (fact) => !isLoader(fact));
  const found = {
    powered: last('bmc.command', command('powerOn', 'powerCycle', 'reset')),
    poweredOff: isAfter(switchedOff, lastSeen) ? switchedOff : undefined,
    powerFailed: last('bmc.failed', command('powerOn', 'powerCycle', 'reset')),
    asked: last(['dhcp.discover', 'dhcp.request', 'dhcp.inform'], forBoot),
    ignored: last('dhcp.ignored'),
    otherServer: last('dhcp.other-server'),
    answer: last(['dhcp.offer', 'dhcp.ack'], inStage('firmware', 'ipxe')),
    loaderNamed: last(['dhcp.offer', 'dhcp.ack'], (fact) => inStage('firmware')(fact) && textOf(fact, 'file') !== ''),
    loaderAsked: last('tftp.read'),
    loaderDone: last(['tftp.done', 'boot.file'], isLoader),
    loaderFailed: last(['tftp.failed', 'tftp.refused', 'boot.file-failed'], isLoader),
    ipxeAsked: last(['dhcp.discover', 'dhcp.request'], inStage('ipxe')),
    ipxeAnswer: last(['dhcp.offer', 'dhcp.ack'], inStage('ipxe')),
    script: last('boot.script'),
    kernel,
    ramdisk: last('boot.file', named('/initrd.img')),
    fileFailed: fileFailed && last('boot.file', named(fileOf(fileFailed))) ? undefined : fileFailed,
    loaderReport: last('boot.failed'),
    identity: last('boot.identity'),
    osAsked: last(
      ['dhcp.discover', 'dhcp.request'],
      (fact) => kernel !== undefined && inStage('os')(fact) && isAfter(fact, kernel),
    ),
    session: last('agent.session'),
    refused: last(['agent.refused', 'boot.identity-refused']),
    runFinished: isAfter(begun, finished) ? undefined : finished,
    homeAwaited: isAfter(begun, homeAwaited) ? undefined : homeAwaited,
    lastSeen,
  };
  const present = Object.fromEntries(Object.entries(found).filter(([, fact]) => fact !== undefined));
  return { ...(present as Omit<Progress, 'reached'>), reached: reachedBy(found) };
}

type Found = Partial<Record<keyof Omit<Progress, 'reached'>, Fact | undefined>>;

/** The furthest hop that left a fact. A later one stands for the earlier: proxyDHCP, for one, leaves no ACK with us. */
function reachedBy(found: Found): Hop {
  const marks: readonly [Hop, Fact | undefined][] = [
    ['agent', found.session],
    ['identity', found.identity],
    ['kernel', found.kernel],
    ['script', found.script],
    ['ipxe', found.ipxeAsked],
    ['loader', found.loaderDone],
    ['answered', found.answer],
    ['asked', found.asked],
  ];
  return marks.find(([, fact]) => fact !== undefined)?.[0] ?? 'power';
}

/** Whether `fact` came after `other`; nothing comes after what is not there. */
export function isAfter(fact: Fact | undefined, other: Fact | undefined): boolean {
  if (!fact) return false;
  return !other || fact.at > other.at || (fact.at === other.at && fact.id > other.id);
}

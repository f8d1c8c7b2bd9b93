import { type Ipv4, type Network, networkContains } from '../net/address.ts';
import { type Diagnosis, diagnose } from './diagnose.ts';
import { gatherRogues, gatherTimeline, type TimelineStore } from './gather.ts';
import type { Timeline } from './timeline.ts';
import type { Settings } from './verdicts/verdict.ts';

/** What the configuration says of one subnet. */
export interface SubnetSwitches {
  readonly network: Network;
  readonly addresses: boolean;
  readonly boot: boolean;
}

export interface WhyRequest {
  readonly store: TimelineStore;
  readonly nodeIdOrMac: string;
  readonly subnets: readonly SubnetSwitches[];
  readonly now: Date;
}

/** Why a machine did not boot, or that it did; undefined where there is no such node. Changes nothing. */
export async function why(
  request: WhyRequest,
): Promise<{ readonly timeline: Timeline; readonly diagnosis: Diagnosis } | undefined> {
  const { store, nodeIdOrMac, subnets, now } = request;
  const timeline = await gatherTimeline(store, nodeIdOrMac);
  if (!timeline) return undefined;
  const began = timeline.boots.at(-1)?.began;
  const rogues = began === undefined ? [] : await gatherRogues(store, began);
  const settings = settingsFor(subnets, addressOf(timeline));
  return { timeline, diagnosis: diagnose(timeline, { rogues, settings }, now) };
}

/** The newest address that we gave the machine. */
function addressOf({ facts }: Timeline): Ipv4 | undefined {
  return facts.findLast(({ kind, address }) => address !== undefined && (kind === 'dhcp.ack' || kind === 'dhcp.offer'))
    ?.address;
}

/** The switches of the machine's subnet; without an address, those that all subnets have in common. */
function settingsFor(subnets: readonly SubnetSwitches[], address: Ipv4 | undefined): Settings {
  const own = subnets.filter(({ network }) => address !== undefined && networkContains(network, address));
  const candidates = own.length > 0 ? own : subnets;
  const common = (key: 'boot' | 'addresses'): boolean | undefined => {
    const values = new Set(candidates.map((subnet) => subnet[key]));
    return values.size === 1 ? [...values][0] : undefined;
  };
  return { boot: common('boot'), addresses: common('addresses') };
}

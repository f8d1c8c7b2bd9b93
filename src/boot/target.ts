import type { BootProfile } from '../model/boot-profile.ts';
import { nodeStates, type NodeStateName } from '../model/node-states.ts';

/** What a machine boots now. Both kinds say why, in words for the timeline. */
export type BootTarget =
  | { readonly kind: 'discovery'; readonly reason: string; readonly kernelArgs?: string }
  | { readonly kind: 'nothing'; readonly reason: string };

/** All that the decision rests on. */
export interface BootFacts {
  /** None: nobody knows this machine yet. */
  readonly node?: { readonly state: NodeStateName } | undefined;
  /** What the node's active run wants it to boot, if it wants anything. */
  readonly profile?: BootProfile | undefined;
  readonly discoveryEnabled: boolean;
}

/**
 * The boot decision: the one answer to "why did this node boot that?", asked by DHCP and by the script alike. An active
 * run decides; else the node's state; an unknown machine is discovered.
 */
export function chooseTarget({ node, profile, discoveryEnabled }: BootFacts): BootTarget {
  if (node?.state === 'maintenance') return { kind: 'nothing', reason: 'the node is in maintenance' };
  if (profile) {
    const { kernelArgs } = profile;
    return {
      kind: profile.kind,
      reason: 'its active run wants it',
      ...(kernelArgs === undefined ? {} : { kernelArgs }),
    };
  }
  if (!discoveryEnabled)
    return { kind: 'nothing', reason: 'discovery.enabled is false and no run wants the node to boot' };
  if (!node) return { kind: 'discovery', reason: 'the machine is unknown' };
  if (nodeStates[node.state].boots === 'discovery') {
    return { kind: 'discovery', reason: `the node is ${node.state}` };
  }
  return { kind: 'nothing', reason: `the node is ${node.state} and no run wants it to boot` };
}

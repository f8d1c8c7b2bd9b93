import type { NodeStateName } from '../model/node-states.ts';
import type { Mac } from '../net/mac.ts';

/** The machine that a timeline is about: a node, or a MAC that is no node's. */
export interface Subject {
  readonly nodeId?: string;
  readonly name: string;
  /** Only those that are this machine's alone. */
  readonly macs: readonly Mac[];
  /** Only if it can tell machines apart. */
  readonly uuid?: string;
  readonly state?: NodeStateName;
  /** Why the node is in its state. */
  readonly stateReason?: string;
}

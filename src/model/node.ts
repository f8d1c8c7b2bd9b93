import type { Mac } from '../net/mac.ts';
import type { Document } from './document.ts';
import type { NodeStateName } from './node-states.ts';

/** RackHD's node types; `compute` is what boots from us. */
export type NodeType = 'compute' | 'compute-container' | 'switch' | 'dae' | 'pdu' | 'mgmt' | 'enclosure' | 'rack';

export interface NodeState {
  readonly name: NodeStateName;
  /** ISO 8601. */
  readonly since: string;
  /** When an in-progress state expires; ISO 8601. */
  readonly deadline?: string;
  /** The run that an in-progress state waits for. */
  readonly runId?: string;
  /** Id of the decided event that brought the node here: the same event again changes nothing. */
  readonly eventId?: string;
  /** Why the node is here, in plain words (the error of a failed discovery). */
  readonly reason?: string;
}

export interface DiskSummary {
  readonly name: string;
  readonly sizeBytes: number;
  readonly model?: string;
  readonly serial?: string;
}

/** What a list of nodes shows; filled from catalogs as they come, so that lists never read catalogs. */
export interface NodeSummary {
  readonly vendor?: string;
  readonly product?: string;
  readonly serial?: string;
  readonly cpuModel?: string;
  readonly cpuCount?: number;
  readonly cpuCores?: number;
  readonly memoryBytes?: number;
  readonly disks?: readonly DiskSummary[];
  readonly macs?: readonly Mac[];
  readonly bmcAddress?: string;
  readonly bmcMac?: Mac;
}

export interface Node extends Document {
  readonly name: string;
  readonly type: NodeType;
  /** MACs mostly; any unique text (RackHD's clients store others). */
  readonly identifiers: readonly string[];
  readonly state: NodeState;
  readonly summary: NodeSummary;
  /** SMBIOS UUID as the firmware told it; forgeable until the agent confirmed it. */
  readonly uuid?: string;
  readonly bootMac?: Mac;
  readonly tags: readonly string[];
  readonly autoDiscover: boolean;
  readonly sku?: string | null;
  readonly relations: readonly { relationType: string; info?: unknown; targets: readonly string[] }[];
  readonly bootSettings?: Readonly<Record<string, unknown>>;
}

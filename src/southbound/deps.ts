import type { Ipv4 } from '../net/address.ts';
import type { Mac } from '../net/mac.ts';
import type { SendFile } from '../http/files.ts';
import type { RecordFact } from '../model/fact.ts';
import type { Node } from '../model/node.ts';
import type { Log } from '../log.ts';
import type { BootTarget } from '../boot/target.ts';
import type { Deployments } from '../deployment/deployments.ts';
import type { Sighting } from '../discovery/enrol.ts';
import type { IngestResult, SourceReport } from '../discovery/ingest.ts';
import type { Engine } from '../workflows/engine-interface.ts';
import type { Boots } from './boots.ts';
import type { EnrolmentLimit } from './enrolments.ts';

/** What the southbound routes are made of. */
export interface SouthboundDeps {
  readonly boots: Boots;
  readonly engine: Pick<Engine, 'session' | 'workFor' | 'changed' | 'attempt' | 'report' | 'callback'>;
  readonly deployments: Pick<Deployments, 'byToken' | 'seed' | 'progress' | 'calledHome'>;
  /** Where the file of an image is, whether or not it is there. */
  imagePath(image: { readonly sha256: string }): string;
  /** The node that has this MAC or UUID, if any. */
  findNode(mac: Mac, uuid?: string): Promise<Node | undefined>;
  /** Makes the node if it is unknown. */
  enrol(sighting: Sighting): Promise<Node>;
  /** Starts the node's discovery if it is in a state that boots discovery and none is active. */
  startDiscovery(node: Node): Promise<void>;
  /** What the machine boots now. */
  target(node: Node | undefined): Promise<BootTarget>;
  /** Why the peer may not have the script of the MAC; undefined: it may. */
  foreignPeer(mac: Mac, peer: Ipv4): Promise<string | undefined>;
  /** How many unknown machines an address may bring. */
  readonly enrolments: EnrolmentLimit;
  /** Adds MACs and UUID that the agent proved to the node. */
  confirmNode(nodeId: string, seen: { macs: readonly Mac[]; uuid?: string | undefined }): Promise<void>;
  ingest(report: SourceReport): Promise<IngestResult>;
  readonly record: RecordFact;
  readonly log: Log;
  /** Base URL of this listener as nodes see it. */
  readonly url: string;
  /** Added to the kernel's command line of the discovery system. */
  readonly kernelArgs: string;
  readonly sendFile: SendFile;
  /** First part of a `/files/` path -> directory. */
  readonly fileRoots: Readonly<Record<string, string>>;
  readonly now: () => Date;
  /** Milliseconds of a clock that does not go back. */
  clock(): number;
  /** Path of the agent's script. */
  readonly agentScript: string;
}

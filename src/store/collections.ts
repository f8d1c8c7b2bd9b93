import type { Deployment } from '../model/deployment.ts';
import type { Fact } from '../model/fact.ts';
import type { Image } from '../model/image.ts';
import type { Node } from '../model/node.ts';
import type { BmcCredential, Boot, Catalog, Lease, Lookup, Member, Obm } from '../model/records.ts';
import type { Run, Signal, StoredDefinition, TaskOutput } from '../model/run.ts';
import type { Collections, CollectionSpec } from './repository.ts';

/** Document type of each collection. */
export interface Documents {
  nodes: Node;
  catalogs: Catalog;
  lookups: Lookup;
  leases: Lease;
  obms: Obm;
  bmcCredentials: BmcCredential;
  boots: Boot;
  deployments: Deployment;
  facts: Fact;
  runs: Run;
  signals: Signal;
  taskOutputs: TaskOutput;
  definitions: StoredDefinition;
  members: Member;
  images: Image;
}

/** Every collection, its unique fields and its indexes. A change of form raises `schemaVersion` and adds a migration. */
export const collectionSpecs = {
  nodes: {
    schemaVersion: 1,
    unique: [],
    indexes: ['type', 'name', 'uuid', 'identifiers', 'state.name', 'state.deadline'],
    readOften: true,
  },
  catalogs: { schemaVersion: 1, unique: ['origin'], indexes: ['nodeId', 'source', 'createdAt'] },
  lookups: { schemaVersion: 1, unique: ['macAddress'], indexes: ['ipAddress', 'node'], readOften: true },
  leases: { schemaVersion: 1, unique: ['clientKey', 'addressKey'], indexes: ['mac', 'address', 'expiresAt', 'subnet'] },
  obms: { schemaVersion: 1, unique: ['key'], indexes: ['nodeId'] },
  bmcCredentials: { schemaVersion: 1, unique: ['nodeId'], indexes: [] },
  boots: { schemaVersion: 1, unique: [], indexes: ['nodeId', 'mac', 'address', 'sessionHash', 'expiresAt'] },
  deployments: { schemaVersion: 1, unique: ['tokenHash'], indexes: ['nodeId', 'imageId', 'state', 'createdAt'] },
  facts: { schemaVersion: 1, unique: [], indexes: ['at', 'mac', 'uuid', 'address', 'nodeId', 'runId', 'kind'] },
  runs: {
    schemaVersion: 1,
    unique: ['instanceId', 'activeKey'],
    indexes: ['nodeId', 'state', 'sweepKey', 'createdAt'],
  },
  signals: { schemaVersion: 1, unique: [], indexes: ['runId', 'createdAt'] },
  taskOutputs: { schemaVersion: 1, unique: [], indexes: ['runId'] },
  definitions: { schemaVersion: 2, unique: [], indexes: ['kind', 'name'] },
  members: { schemaVersion: 1, unique: [], indexes: ['expiresAt'] },
  images: { schemaVersion: 1, unique: ['name'], indexes: ['sha256', 'createdAt'] },
} as const satisfies Record<string, CollectionSpec>;

/** The open store. */
export type Store = Collections<Documents>;

/** A store together with its end. */
export interface OpenStore {
  readonly store: Store;
  /** Waits for writes under way, then closes. */
  readonly close: () => Promise<void>;
  /** Resolves if the store can be read; rejects with the fault if not. For health checks. */
  readonly ping: () => Promise<void>;
}

import type { Documents } from '../collections.ts';
import { definitionsToPurposes } from './definitions-2.ts';
import type { Migration } from './lift.ts';

/** How the documents of each collection are lifted from form to form: one entry for each raise of `schemaVersion`. */
export const migrations = {
  nodes: [],
  catalogs: [],
  lookups: [],
  leases: [],
  obms: [],
  bmcCredentials: [],
  boots: [],
  deployments: [],
  facts: [],
  runs: [],
  signals: [],
  taskOutputs: [],
  definitions: [definitionsToPurposes],
  members: [],
  images: [],
} as const satisfies Record<keyof Documents, readonly Migration[]>;

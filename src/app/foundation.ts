import { join, resolve } from 'node:path';
import type { Config } from '../config-schema.ts';
import { claimDataDir } from '../coordination/data-dir.ts';
import { createMember, type Member } from '../coordination/member.ts';
import { createFactLog, type FactLog } from '../events/log.ts';
import type { Log } from '../log.ts';
import { createSealer, type Sealer } from '../secrets/seal.ts';
import type { OpenStore, Store } from '../store/collections.ts';
import { openMongoStore } from '../store/mongodb/store.ts';
import { openSqliteStore } from '../store/sqlite/store.ts';

export interface Environment {
  readonly log: Log;
  readonly now: () => Date;
}

/** What every part of the server stands on. */
export interface Foundation extends Environment {
  readonly dataDir: string;
  readonly sealer: Sealer;
  readonly store: Store;
  readonly facts: FactLog;
  readonly member: Member;
  /** Rejects where the store cannot be read. */
  readonly ping: () => Promise<void>;
  /** Writes what is pending, then lets go of store and data directory. */
  readonly close: () => Promise<void>;
}

/** Takes the data directory for this process alone, then opens keys, store and fact log. */
export async function openFoundation(config: Config, { log, now }: Environment): Promise<Foundation> {
  const claim = claimDataDir(resolve(config.dataDir), now);
  try {
    const sealer = await createSealer(join(claim.path, 'keys.json'), now());
    const open = await openStore(config, claim.path, { log, now });
    const facts = createFactLog({ store: open.store, now, log });
    return {
      log,
      now,
      dataDir: claim.path,
      sealer,
      store: open.store,
      facts,
      member: createMember({ store: open.store, roles: config.roles, dataDir: claim.path, now, log }),
      ping: () => open.ping(),
      async close() {
        try {
          await facts.stop();
        } finally {
          await open.close().finally(claim.release);
        }
      },
    };
  } catch (error) {
    claim.release();
    throw error;
  }
}

function openStore(config: Config, dataDir: string, { log, now }: Environment): Promise<OpenStore> {
  if (config.store === 'mongodb') return openMongoStore({ ...config.mongodb, log, now });
  return openSqliteStore({ path: join(dataDir, 'rackwright.db'), log, now });
}

import { hostname } from 'node:os';
import { describeError } from '../errors.ts';
import type { Log } from '../log.ts';
import { newId } from '../model/id.ts';
import type { Store } from '../store/collections.ts';
import { modify } from '../store/modify.ts';

/** Milliseconds after its last sign of life that a member counts as dead. */
export const memberExpiryMs = 30_000;
const renewEveryMs = 10_000;

export interface MemberDeps {
  readonly store: Pick<Store, 'members'>;
  readonly roles: readonly string[];
  /** Claimed by this process (`claimDataDir`). */
  readonly dataDir: string;
  readonly now: () => Date;
  readonly log: Log;
}

/** This server process among its equals. */
export interface Member {
  /** Stands in claims; new at each start of the process. */
  readonly id: string;
  /** Enters the member in the store and keeps it alive there. */
  readonly start: () => Promise<void>;
  /** Takes the member out of the store. */
  readonly stop: () => Promise<void>;
  /** Whether a process of that id is in the store: those that are not have let go of all they claimed. */
  readonly isAlive: (id: string) => Promise<boolean>;
}

/** The heartbeat: a document in `members`, renewed every 10 s, expired after 30 s. Members long dead are cleared away. */
export function createMember({ store, roles, dataDir, now, log }: MemberDeps): Member {
  const id = newId(now());
  const expiresAt = (): string => new Date(now().getTime() + memberExpiryMs).toISOString();
  let timer: NodeJS.Timeout | undefined;
  let renewal: Promise<void> = Promise.resolve();

  const renew = async (): Promise<void> => {
    const renewed = await modify(store.members, id, (member) => ({ ...member, expiresAt: expiresAt() }));
    // Missing at the first time, or cleared away by another member while this process was stopped.
    if (!renewed.ok)
      await store.members.insert({ id, host: hostname(), pid: process.pid, dataDir, roles, expiresAt: expiresAt() });
    await store.members.deleteWhere({ expiresAt: { lt: now().toISOString() } });
  };
  const renewOrLog = (): Promise<void> =>
    renew().catch((error: unknown) => {
      log.warn({ event: 'member.renew-failed', member: id, error: describeError(error) }, 'no sign of life given');
    });

  return {
    id,
    start: async () => {
      // Killed, they could not take themselves out; what they had claimed is free at once.
      await store.members.deleteWhere({ host: hostname(), dataDir });
      await renew();
      timer = setInterval(() => {
        renewal = renewal.then(renewOrLog);
      }, renewEveryMs);
      timer.unref();
    },
    isAlive: async (other) => (await store.members.get(other)) !== undefined,
    stop: async () => {
      clearInterval(timer);
      await renewal;
      await store.members.delete(id);
    },
  };
}

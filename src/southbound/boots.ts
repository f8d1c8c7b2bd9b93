import type { Ipv4 } from '../net/address.ts';
import type { Mac } from '../net/mac.ts';
import { newId } from '../model/id.ts';
import type { Boot } from '../model/records.ts';
import { isRealUuid } from '../model/uuid.ts';
import { hashToken, newToken, tokenMatches } from '../secrets/token.ts';
import type { Store } from '../store/collections.ts';
import { modify } from '../store/modify.ts';

/**
 * What one network boot of a node may have, and how it proves itself. A boot begins with its script; its identity is
 * delivered once asked for from the lease's address, exchanged by one kernel (bound to the kernel's boot id), and the
 * session that comes of it lasts until the node's next boot is exchanged.
 */

/** From script to identity and exchange: a slow BIOS needs a minute for the ramdisk; nobody needs more. */
const exchangeWithinMs = 30 * 60_000;
/** A session that nobody replaced ends after this. */
const sessionMs = 14 * 24 * 3_600_000;

export type IdentityResult =
  | { readonly ok: true; readonly boot: Boot; readonly secret: string }
  | { readonly ok: false; readonly reason: string; readonly boot?: Boot };

export type ExchangeResult =
  | { readonly ok: true; readonly boot: Boot; readonly session: string }
  | { readonly ok: false; readonly reason: string; readonly boot?: Boot };

/** What an agent says when it wants a session. */
export interface ExchangeClaim {
  readonly bootId: string;
  readonly secret: string;
  readonly kernelBootId: string;
  readonly uuid?: string | undefined;
  readonly macs: readonly Mac[];
  readonly peer: Ipv4;
}

export interface Boots {
  /** A new boot, in place of those that the same interface began at the same address and did not exchange. */
  begin(boot: { nodeId: string; mac: Mac; address: Ipv4; uuid?: string | undefined }): Promise<Boot>;
  /** A fresh secret for a boot that nobody has exchanged; asking again makes the one before useless. */
  issueIdentity(bootId: string, peer: Ipv4): Promise<IdentityResult>;
  exchange(claim: ExchangeClaim): Promise<ExchangeResult>;
  /** The boot of a session token that comes from the boot's own address. */
  session(token: string, peer: Ipv4): Promise<Boot | undefined>;
  get(bootId: string): Promise<Boot | undefined>;
  /** Forgets boots that have ended. */
  sweep(): Promise<void>;
}

export function createBoots({ store, now }: { store: Store; now: () => Date }): Boots {
  const boots = store.boots;
  const after = (ms: number): string => new Date(now().getTime() + ms).toISOString();
  const expired = (boot: Boot): boolean => boot.expiresAt <= now().toISOString();

  return {
    get: (bootId) => boots.get(bootId),

    async begin({ nodeId, mac, address, uuid }) {
      const draft = { id: newId(now()), nodeId, mac, address, expiresAt: after(exchangeWithinMs) };
      // Whoever asks for scripts in a loop has one boot; what was begun at another address is not his to end.
      const former = await boots.find({ where: { nodeId, mac, address, kernelBootId: null } });
      const inserted = await boots.insert(uuid === undefined ? draft : { ...draft, uuid });
      if (!inserted.ok) throw new Error(`boot id ${draft.id} is taken`);
      for (const { id } of former.items) await boots.delete(id);
      return inserted.document;
    },

    async issueIdentity(bootId, peer) {
      const boot = await boots.get(bootId);
      if (!boot) return { ok: false, reason: 'there is no such boot' };
      const reason = identityRefusal(boot, peer, expired(boot));
      if (reason !== undefined) return { ok: false, reason, boot };
      const secret = newToken();
      const written = await modify(boots, bootId, (current) =>
        current.kernelBootId === undefined ? { ...current, secretHash: hashToken(secret) } : undefined,
      );
      return written.ok
        ? { ok: true, boot: written.document, secret }
        : { ok: false, reason: 'this boot has been exchanged meanwhile', boot };
    },

    async exchange(claim) {
      const boot = await boots.get(claim.bootId);
      if (!boot) return { ok: false, reason: 'there is no such boot' };
      const reason = exchangeRefusal(boot, claim, expired(boot));
      if (reason !== undefined) return { ok: false, reason, boot };
      const session = newToken();
      const written = await modify(boots, boot.id, (current) =>
        exchangeRefusal(current, claim, expired(current)) === undefined
          ? {
              ...current,
              kernelBootId: claim.kernelBootId,
              sessionHash: hashToken(session),
              expiresAt: after(sessionMs),
            }
          : undefined,
      );
      if (!written.ok) return { ok: false, reason: 'another kernel was faster', boot };
      await endOlder(store, written.document);
      return { ok: true, boot: written.document, session };
    },

    async session(token, peer) {
      const { items } = await boots.find({ where: { sessionHash: hashToken(token) }, limit: 1 });
      const boot = items[0];
      return boot?.address === peer && !expired(boot) ? boot : undefined;
    },

    async sweep() {
      await boots.deleteWhere({ expiresAt: { lt: now().toISOString() } });
    },
  };
}

/** Why an identity is not delivered; undefined: it is. */
function identityRefusal(boot: Boot, peer: Ipv4, expired: boolean): string | undefined {
  if (boot.address !== peer) return `it was asked for from ${peer}, and the node booted at ${boot.address}`;
  if (boot.kernelBootId !== undefined) return 'this boot has already been exchanged';
  if (expired) return 'this boot began too long ago';
  return undefined;
}

/** Why an exchange is refused; undefined: it is not. */
function exchangeRefusal(boot: Boot, claim: ExchangeClaim, expired: boolean): string | undefined {
  if (expired) return 'this boot began too long ago';
  if (boot.secretHash === undefined || !tokenMatches(claim.secret, boot.secretHash)) return 'the secret is wrong';
  if (boot.address !== claim.peer) return `it came from ${claim.peer}, and the node booted at ${boot.address}`;
  if (boot.kernelBootId !== undefined && boot.kernelBootId !== claim.kernelBootId) {
    return 'another kernel has exchanged this boot';
  }
  if (!claim.macs.includes(boot.mac)) return `the machine has no interface ${boot.mac}, from which this boot came`;
  const differ = boot.uuid !== undefined && claim.uuid !== undefined && boot.uuid !== claim.uuid;
  if (differ && isRealUuid(boot.uuid) && isRealUuid(claim.uuid)) {
    return `the machine says UUID ${claim.uuid}, and its firmware said ${boot.uuid}`;
  }
  return undefined;
}

/** A node runs one kernel at a time: what older boots had been given ends with the exchange of a newer one. */
async function endOlder(store: Store, current: Boot): Promise<void> {
  const { items } = await store.boots.find({ where: { nodeId: current.nodeId } });
  const older = items.filter((boot) => boot.id !== current.id && boot.createdAt <= current.createdAt);
  for (const boot of older) await store.boots.delete(boot.id);
}

import type { RecordFact } from '../model/fact.ts';
import type { BmcCredential } from '../model/records.ts';
import { isIpv4, type Network, networkContains } from '../net/address.ts';
import type { Sealer } from '../secrets/seal.ts';
import { newBmcPassword } from '../secrets/token.ts';
import type { Store } from '../store/collections.ts';
import { modify } from '../store/modify.ts';
import { ipmiService } from './ipmi.ts';
import { type Obm, outsideNetworks } from './obm.ts';
import { sealObmConfig } from './registry.ts';

/**
 * Our own user on the BMC of each node. Its password is stored before it is set (*proposed*), set in band by the agent,
 * and used only after a login over LAN showed that the BMC at that address has it (*proven*): an agent that lies about
 * its BMC's address gains nothing but a refused login there.
 */
export interface BmcUser {
  /**
   * Makes a password and stores it sealed. What is stored already is kept, so that a repeat changes nothing: a proven one
   * stays usable all the time, since setting it again is harmless.
   */
  propose(nodeId: string): Promise<{ readonly user: string }>;
  /** Logs in at `address` with exactly that password; on success the node has an `ipmi-obm-service` with it. */
  prove(nodeId: string, address: string, signal: AbortSignal): Promise<ProofResult>;
  /** `bmc-user` or `bmc-password` of the node, for its own agent; undefined before `propose`. */
  secret(nodeId: string, name: string): Promise<string | undefined>;
}

export type ProofResult =
  { readonly ok: true } | { readonly ok: false; readonly reason: string; readonly message: string };

export interface BmcUserDeps {
  readonly store: Pick<Store, 'bmcCredentials' | 'obms'>;
  readonly sealer: Sealer;
  readonly obm: Pick<Obm, 'tryOut'>;
  readonly record: RecordFact;
  /** Name of the user. */
  readonly user: string;
  readonly networks: readonly Network[];
}

export function createBmcUser(deps: BmcUserDeps): BmcUser {
  const { store, sealer, obm, record, user, networks } = deps;

  const fail = (nodeId: string, reason: string, message: string): ProofResult => {
    record({ kind: 'bmc.failed', how: 'self', text: message, nodeId, data: { reason, action: 'prove' } });
    return { ok: false, reason, message };
  };

  return {
    async propose(nodeId) {
      const existing = await store.bmcCredentials.get(nodeId);
      if (existing) return { user: existing.user };
      const sealedPassword = sealer.seal(newBmcPassword());
      const made = await store.bmcCredentials.insert({ id: nodeId, nodeId, user, sealedPassword, state: 'proposed' });
      // Lost race: the other's password is as good, and is the one that counts.
      if (!made.ok) return { user: (await store.bmcCredentials.get(nodeId))?.user ?? user };
      const text = `a password for the user ${user} on the BMC was made`;
      record({ kind: 'bmc.proposed', how: 'self', text, nodeId, data: { user } });
      return { user };
    },

    async prove(nodeId, address, signal) {
      const credential = await store.bmcCredentials.get(nodeId);
      if (!credential) return fail(nodeId, 'not-proposed', 'no password was made for this BMC: nothing to log in with');
      if (!isIpv4(address) || address === '0.0.0.0') {
        return fail(nodeId, 'no-address', 'the BMC has no IPv4 address: give it one, by DHCP or in its setup');
      }
      if (!networks.some((network) => networkContains(network, address))) {
        return fail(nodeId, 'outside-networks', outsideNetworks(address));
      }
      const config = { host: address, user: credential.user, password: sealer.open(credential.sealedPassword) };
      const login = await obm.tryOut(ipmiService.name, config, 'powerStatus', signal);
      if (!login.ok) return fail(nodeId, login.reason, `login as ${credential.user} failed: ${login.message}`);
      await storeProven(deps, credential, address);
      const text = `login on the BMC at ${address} as ${credential.user} succeeded`;
      record({ kind: 'bmc.proven', how: 'bmc', text, nodeId, address, data: { power: login.power ?? 'unknown' } });
      return { ok: true };
    },

    async secret(nodeId, name) {
      const credential = await store.bmcCredentials.get(nodeId);
      if (name === 'bmc-user') return credential?.user;
      return name === 'bmc-password' && credential ? sealer.open(credential.sealedPassword) : undefined;
    },
  };
}

/** The OBM first: found proven, there is one. Both writes may be repeated. */
async function storeProven(
  { store, sealer }: Pick<BmcUserDeps, 'store' | 'sealer'>,
  { nodeId, user, sealedPassword }: BmcCredential,
  host: string,
): Promise<void> {
  const service = ipmiService.name;
  const config = sealObmConfig(service, { host, user, password: sealedPassword }, sealer);
  const key = `${nodeId}|${service}`;
  const made = await store.obms.insert({ nodeId, service, config, key });
  if (!made.ok) {
    const { items } = await store.obms.find({ where: { key }, limit: 1 });
    const id = items[0]?.id;
    if (id !== undefined) {
      // Settings with another user are an operator's: they stay.
      await modify(store.obms, id, (obm) =>
        obm.config.user === user ? { ...obm, config: { ...obm.config, ...config } } : undefined,
      );
    }
  }
  await modify(store.bmcCredentials, nodeId, (stored): BmcCredential | undefined =>
    stored.state === 'proven' ? undefined : { ...stored, state: 'proven' },
  );
}

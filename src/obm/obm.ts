import { describeError } from '../errors.ts';
import type { Log } from '../log.ts';
import type { RecordFact } from '../model/fact.ts';
import type { Obm as StoredObm } from '../model/records.ts';
import { isIpv4, type Network, networkContains } from '../net/address.ts';
import { parseMac } from '../net/mac.ts';
import type { Sealer } from '../secrets/seal.ts';
import type { Store } from '../store/collections.ts';
import { obmActions, type ObmAction, type ObmResult } from './driver.ts';
import { createLanes } from './lanes.ts';
import { type BoundDriver, createDrivers, openObmConfig } from './registry.ts';
import type { RunCommand } from './run-command.ts';

/** Power and boot device of nodes, by whatever controls them. */
export interface Obm {
  /**
   * Sends one command to the node's controller (to that of `service`, where it is given) after those that came before.
   * Aborting the signal ends it at once; what the BMC did with it is then unknown.
   */
  act(nodeId: string, action: ObmAction, signal: AbortSignal, service?: string): Promise<ObmResult>;
  /** The same with settings that are not stored. Leaves no fact. */
  tryOut(service: string, config: unknown, action: ObmAction, signal: AbortSignal): Promise<ObmResult>;
}

export interface ObmDeps {
  readonly store: Pick<Store, 'obms' | 'lookups'>;
  readonly sealer: Sealer;
  readonly record: RecordFact;
  readonly run: RunCommand;
  readonly log: Log;
  readonly now: () => Date;
  /** Where BMCs are: an address that was learned, not typed in, is used only inside these. */
  readonly networks: readonly Network[];
}

/** Commands that may wait for one BMC. */
const lineLimit = 20;

type Refusal = Extract<ObmResult, { ok: false }>;

export function createObm(deps: ObmDeps): Obm {
  const { store, sealer, record, log, now } = deps;
  const drivers = createDrivers(deps.run);
  const lanes = createLanes(lineLimit);

  const send = async (
    { service, config }: Pick<StoredObm, 'service' | 'config'>,
    action: ObmAction,
    signal: AbortSignal,
  ): Promise<{ result: ObmResult; address?: string }> => {
    const bound = drivers.find((driver) => driver.service.name === service)?.bind(config);
    if (!bound) return { result: refusal('no-obm', `no driver for ${service}`) };
    if (!bound.ok) return { result: refusal('refused', `the settings of ${service} are wrong: ${bound.message}`) };
    if (bound.host === undefined) return { result: await bound.act('', action, signal) };
    const found = await findHost(deps, bound.host);
    if (!found.ok) return { result: found };
    const result = await lanes.run(found.address, signal, () => bound.act(found.address, action, signal));
    if (result === 'full') {
      return { result: refusal('refused', `BMC ${found.address}: ${lineLimit} commands wait for it already`) };
    }
    return {
      result: result === 'aborted' ? refusal('timeout', `BMC ${found.address}: given up before its turn`) : result,
      address: found.address,
    };
  };

  return {
    async act(nodeId, action, signal, service) {
      const { items } = await store.obms.find({ where: { nodeId } });
      const stored = choose(drivers, items, service);
      if (!stored) {
        return refusal('no-obm', `the node has no ${service ?? 'OBM'}: set one by PUT /api/2.0/nodes/${nodeId}/obm`);
      }
      const started = now().toISOString();
      const attempt = async (): ReturnType<typeof send> => send(opened(stored, sealer), action, signal);
      const { result, address } = await attempt().catch((error: unknown) => {
        log.error({ event: 'obm.failed', nodeId, action, error: describeError(error) }, 'a command could not be sent');
        return { result: refusal('refused', describeError(error)), address: undefined };
      });
      // Asking for the state is done by the second: it would drown what happened.
      if (action !== 'powerStatus') {
        record({
          kind: result.ok ? 'bmc.command' : 'bmc.failed',
          how: result.ok ? 'bmc' : 'self',
          text: `${obmActions[action]}: ${result.ok ? 'accepted' : result.message}`,
          nodeId,
          at: started,
          ...(address !== undefined && isIpv4(address) && { address }),
          data: { action, service: stored.service, ...(!result.ok && { reason: result.reason }) },
        });
      }
      return result;
    },
    async tryOut(service, config, action, signal) {
      return (await send({ service, config: config as StoredObm['config'] }, action, signal)).result;
    },
  };
}

function refusal(reason: Refusal['reason'], message: string): Refusal {
  return { ok: false, reason, message };
}

function opened(stored: StoredObm, sealer: Sealer): Pick<StoredObm, 'service' | 'config'> {
  return { service: stored.service, config: openObmConfig(stored.service, stored.config, sealer) };
}

/** The controller of that service; without one, the first in the order of the registry. */
function choose(
  drivers: readonly BoundDriver[],
  stored: readonly StoredObm[],
  service: string | undefined,
): StoredObm | undefined {
  if (service !== undefined) return stored.find((obm) => obm.service === service);
  const names = drivers.map((driver) => driver.service.name);
  return stored.toSorted((a, b) => names.indexOf(a.service) - names.indexOf(b.service))[0];
}

/** Where a host is: an address or a name as it is, a MAC by the lookups. */
async function findHost(
  { store, networks }: Pick<ObmDeps, 'store' | 'networks'>,
  host: string,
): Promise<{ readonly ok: true; readonly address: string } | Refusal> {
  const mac = parseMac(host);
  if (mac === undefined) return { ok: true, address: host };
  const { items } = await store.lookups.find({ where: { macAddress: mac }, limit: 1 });
  const address = items[0]?.ipAddress;
  if (address === undefined) return refusal('unreachable', `no address is known for the BMC with MAC ${mac}`);
  // Lookups are filled from what the network says, which anybody can forge: a password goes only where BMCs are.
  if (!networks.some((network) => networkContains(network, address))) {
    return refusal('refused', outsideNetworks(address));
  }
  return { ok: true, address };
}

/** What to tell when a learned address may not be used. */
export function outsideNetworks(address: string): string {
  return `the BMC's address ${address} is outside bmc.networks: add its network to the configuration if it is right`;
}

import { describeError } from '../errors.ts';
import type { Log } from '../log.ts';
import type { RecordFact } from '../model/fact.ts';
import { networkContains, type Ipv4 } from '../net/address.ts';
import { lookForServers, type OtherServer } from './rogue.ts';
import type { DhcpPorts } from './situation.ts';
import type { DhcpSubnet } from './subnet.ts';

/** Keeps us from giving addresses on a network where another DHCP server does. */
export interface Gate {
  /** The subnets as they are served now: while the gate is shut, our own network is only watched. */
  subnets(): readonly DhcpSubnet[];
  /** Looks for other servers; if one answers, the gate shuts and looks again until none does. */
  look(): Promise<void>;
  /** Ends the looking. */
  close(): void;
}

export interface GateDeps {
  readonly subnets: readonly DhcpSubnet[];
  readonly serverAddress: Ipv4;
  readonly ports: DhcpPorts;
  readonly allowOtherServers: boolean;
  readonly deployment: string;
  readonly record: RecordFact;
  readonly log: Log;
}

/** dnsmasq makes sure for 3 s that nobody has an address before it offers it (its PING_WAIT), ISC's server for 1 s. */
const waitMs = 4_500;
const againMs = 60_000;

export function createGate(deps: GateDeps): Gate {
  const { subnets, serverAddress, allowOtherServers, record, log } = deps;
  const ownNetwork = (subnet: DhcpSubnet): boolean => networkContains(subnet.network, serverAddress);
  const needed = !allowOtherServers && subnets.some((subnet) => subnet.addresses && ownNetwork(subnet));
  const ending = new AbortController();
  let others: readonly OtherServer[] = [];
  let timer: NodeJS.Timeout | undefined;

  const report = (): void => {
    for (const { address, offered } of others) {
      const text =
        `another DHCP server, ${address}, answers on this network (it offered ${offered}): ` +
        'we give no addresses until it is gone, or other servers are allowed';
      record({ kind: 'dhcp.rogue', how: 'packet', text, address, data: { server: address, offered } });
      log.error({ event: 'dhcp.rogue', server: address, offered }, text);
    }
  };

  const look = async (): Promise<void> => {
    if (!needed) return;
    const before = others.length;
    others = await lookForServers({ ...deps, waitMs, signal: ending.signal });
    if (ending.signal.aborted) return;
    if (others.length > 0 && before === 0) report();
    if (others.length === 0 && before > 0) {
      log.info({ event: 'dhcp.answering' }, 'the other DHCP server is gone: we give addresses now');
    }
    if (others.length > 0) timer = setTimeout(lookAgain, againMs);
  };

  const lookAgain = (): void => {
    look().catch((error: unknown) => {
      log.error({ event: 'dhcp.look-failed', error: describeError(error) }, 'still silent: could not look again');
      timer = setTimeout(lookAgain, againMs);
    });
  };

  const watched = (silentFor: Ipv4): DhcpSubnet[] =>
    subnets.map((subnet) => (ownNetwork(subnet) ? { ...subnet, addresses: false, boot: false, silentFor } : subnet));

  return {
    subnets: () => (others[0] ? watched(others[0].address) : subnets),
    look,
    close: () => {
      ending.abort();
      clearTimeout(timer);
    },
  };
}

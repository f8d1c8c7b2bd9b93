import type { AskBoot } from '../boot/client.ts';
import { describeError } from '../errors.ts';
import type { Log } from '../log.ts';
import type { RecordFact } from '../model/fact.ts';
import type { Role } from '../model/role.ts';
import type { Ipv4 } from '../net/address.ts';
import type { Store } from '../store/collections.ts';
import { identifyClient } from './client.ts';
import { serveMessage } from './exchange.ts';
import { createGate } from './gate.ts';
import { createIntake } from './intake.ts';
import { createLeases } from './leases.ts';
import { decodePacket, messageType, type DhcpPacket } from './packet.ts';
import { probeClass } from './rogue.ts';
import type { Arrival, DhcpPorts, Endpoint } from './situation.ts';
import { openService, type Service } from './sockets.ts';
import type { DhcpSubnet } from './subnet.ts';
import { throttle } from './throttle.ts';

export interface DhcpServerDeps {
  /** Checked before by `checkSubnets`. The one that holds `serverAddress` is our own network; others come by relays. */
  readonly subnets: readonly DhcpSubnet[];
  /** Our address on the network that we serve: replies leave from it, and name it as server. */
  readonly serverAddress: Ipv4;
  readonly ports: DhcpPorts;
  readonly store: Pick<Store, 'leases'>;
  readonly bootAnswer: AskBoot;
  readonly record: RecordFact;
  readonly log: Log;
  readonly now: () => Date;
  /** Give addresses although another DHCP server answers on our network; it is not looked for then. */
  readonly allowOtherServers: boolean;
  /** Instances with the same name share a store, and do not take one another for strangers. */
  readonly deployment: string;
}

export const standardPorts: DhcpPorts = { server: 67, client: 68, proxy: 4011 };

/** Messages in work at once, and those that wait for it: a storm of a whole rack fits, a flood does not. */
const intakeLimits = { running: 32, waiting: 1_024, deadlineMs: 10_000 };
/** A fact for malformed datagrams, and a log line for drops, at most this often. */
const complaintMs = 5_000;

/**
 * The DHCP role: DHCP server, proxyDHCP, both or only an observer, by each subnet's switches. Several instances may share
 * the store and the network. `start` throws a RackwrightError if a port cannot be opened or the network not be looked
 * at; another DHCP server on it is no error: we stay silent then, say so, and look again until it is gone.
 */
export function createDhcpServer(deps: DhcpServerDeps): Role {
  const { log, serverAddress, ports } = deps;
  const gate = createGate(deps);
  const services = new Map<Arrival['service'], Service>();
  const onError = (error: unknown): void => {
    log.error({ event: 'dhcp.failed', error: describeError(error) }, 'a DHCP message could not be answered');
  };
  const intake = createIntake({
    ...intakeLimits,
    now: deps.now,
    onFailed: onError,
    onDropped: throttle(deps.now, complaintMs, (count) => {
      log.warn({ event: 'dhcp.dropped', count }, 'more DHCP messages than can be answered: some were dropped');
    }),
  });
  const exchange = {
    ...deps,
    subnets: () => gate.subnets(),
    leases: createLeases(deps),
    send: async (service: Arrival['service'], bytes: Uint8Array, to: Endpoint) =>
      services.get(service)?.send(bytes, to),
  };
  const decode = createDecoder(deps);
  const onDatagram = (bytes: Uint8Array, arrival: Arrival): void => {
    const request = decode(bytes, arrival);
    if (request === undefined) return;
    const client = identifyClient(request);
    if (client?.vendorClass === probeClass(deps.deployment)) return;
    // A client that asks again asks in place of its former question, so that a rack in a hurry gets one answer a node.
    const kind = client === undefined ? undefined : messageType(request);
    intake.submit(client?.mac ?? '', () => serveMessage(exchange, request, client, arrival), kind);
  };
  const open = async (service: Arrival['service'], port: number): Promise<void> => {
    services.set(service, await openService({ service, serverAddress, port, onDatagram, onError }));
  };
  const stop = async (): Promise<void> => {
    gate.close();
    await Promise.all(Array.from(services.values(), (service) => service.close()));
    services.clear();
  };
  const start = async (): Promise<void> => {
    try {
      await gate.look();
      await open('dhcp', ports.server);
      if (deps.subnets.some((subnet) => subnet.boot)) await open('proxy', ports.proxy);
    } catch (error) {
      await stop();
      throw error;
    }
  };
  return { name: 'dhcp', start, drain: () => intake.drain(), stop };
}

/** Decodes, or records that there was nothing to decode: seldom, as anybody can send garbage without end. */
function createDecoder({
  record,
  now,
}: DhcpServerDeps): (bytes: Uint8Array, arrival: Arrival) => DhcpPacket | undefined {
  let last = { address: '', length: 0, error: '' };
  const complain = throttle(now, complaintMs, (count) => {
    const { address, length, error } = last;
    const text = `no DHCP message: ${error}${count === 1 ? '' : ` (${count} since the last report)`}`;
    record({ kind: 'dhcp.malformed', how: 'packet', text, data: { from: address, bytes: length, error, count } });
  });
  return (bytes, { from }) => {
    try {
      return decodePacket(bytes);
    } catch (error) {
      last = { address: from.address, length: bytes.length, error: describeError(error) };
      complain();
      return undefined;
    }
  };
}

import { randomBytes } from 'node:crypto';
import { RackwrightError } from '../errors.ts';
import type { Ipv4 } from '../net/address.ts';
import { openDatagram, type DatagramSocket, type Peer } from '../net/datagram.ts';
import { optionCode, readIpv4, textBytes } from './options.ts';
import { broadcastFlag, decodePacket, encodePacket, messageType, unspecified, type DhcpPacket } from './packet.ts';
import type { DhcpPorts } from './situation.ts';

/** Another DHCP server, as it showed itself. */
export interface OtherServer {
  readonly address: Ipv4;
  /** What it offered to our probe. */
  readonly offered: Ipv4;
}

/** Class (option 60) of our probes. Servers of the same deployment do not answer them: they are no strangers. */
export function probeClass(deployment: string): string {
  return `rackwright-probe:${deployment}`;
}

export interface LookOptions {
  /** Sent from here: the network of this address is looked at. */
  readonly serverAddress: Ipv4;
  readonly ports: DhcpPorts;
  readonly deployment: string;
  /** How long to wait for offers; milliseconds. */
  readonly waitMs: number;
  readonly signal: AbortSignal;
}

/**
 * Asks the network for an address as a client that does not exist, and names the servers that would give one. Takes no
 * address: an OFFER that nobody requests lapses. Throws a RackwrightError if port 68 cannot be used.
 */
export async function lookForServers(options: LookOptions): Promise<OtherServer[]> {
  const { serverAddress, ports, signal } = options;
  const probe = makeProbe(options.deployment);
  const found = new Map<Ipv4, OtherServer>();
  const onDatagram = (bytes: Uint8Array, from: Peer): void => {
    const other = readOffer(bytes, probe.xid, from);
    if (other !== undefined && other.address !== serverAddress) found.set(other.address, other);
  };
  // Garbage on port 68 concerns nobody: what is no offer to our probe is not looked at further.
  const common = { port: ports.client, shared: true, onDatagram, onError: () => undefined };
  const sockets: DatagramSocket[] = [];
  try {
    sockets.push(await openDatagram({ ...common, address: unspecified }));
    const sender = await openDatagram({ ...common, address: serverAddress, broadcast: true });
    sockets.push(sender);
    const { bytes } = encodePacket(probe);
    // Twice: datagrams get lost, and a switch port that has just come up may not forward yet.
    for (let turn = 0; turn < 2 && !signal.aborted; turn += 1) {
      await sender.send(bytes, { address: '255.255.255.255', port: ports.server });
      await pause(options.waitMs / 2, signal);
    }
  } catch (cause) {
    throw new RackwrightError(
      'dhcp-look',
      `cannot look for other DHCP servers from ${serverAddress}; to give addresses without looking, allow other servers`,
      { cause, retryable: true },
    );
  } finally {
    await Promise.all(sockets.map((socket) => socket.close()));
  }
  return [...found.values()];
}

function makeProbe(deployment: string): DhcpPacket {
  const random = randomBytes(9);
  return {
    op: 1,
    htype: 1,
    hops: 0,
    xid: random.readUInt32BE(0),
    secs: 0,
    flags: broadcastFlag,
    ciaddr: unspecified,
    yiaddr: unspecified,
    siaddr: unspecified,
    giaddr: unspecified,
    // Locally administered, unicast: no vendor's machine has it.
    chaddr: Uint8Array.of(0x02, ...random.subarray(4)),
    sname: '',
    file: '',
    options: new Map([
      [optionCode.messageType, Uint8Array.of(1)],
      [optionCode.vendorClass, textBytes(probeClass(deployment))],
      [optionCode.parameterRequestList, Uint8Array.of(optionCode.subnetMask, optionCode.router)],
    ]),
  };
}

function readOffer(bytes: Uint8Array, xid: number, from: Peer): OtherServer | undefined {
  const reply = decodePacket(bytes);
  if (reply.op !== 2 || reply.xid !== xid || messageType(reply) !== 'OFFER' || reply.yiaddr === unspecified) {
    return undefined;
  }
  return { address: readIpv4(reply.options.get(optionCode.serverIdentifier)) ?? from.address, offered: reply.yiaddr };
}

async function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  const { promise, resolve } = Promise.withResolvers<undefined>();
  const end = (): void => {
    resolve(undefined);
  };
  const timer = setTimeout(end, milliseconds);
  signal.addEventListener('abort', end, { once: true });
  await promise;
  clearTimeout(timer);
  signal.removeEventListener('abort', end);
}

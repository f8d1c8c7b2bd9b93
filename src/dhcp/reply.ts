import type { BootAnswer } from '../boot/client.ts';
import { broadcastAddress, ipv4ToBytes, netmask, networkContains, type Ipv4 } from '../net/address.ts';
import type { Client } from './client.ts';
import { addressBytes, optionCode, textBytes, u32 } from './options.ts';
import { broadcastFlag, unspecified, type DhcpPacket } from './packet.ts';
import type { Endpoint, Situation } from './situation.ts';
import type { DhcpSubnet } from './subnet.ts';

/** A message to send, and where. */
export interface Reply {
  readonly type: 'OFFER' | 'ACK' | 'NAK';
  readonly packet: DhcpPacket;
  readonly to: Endpoint;
  /** The boot file in it. */
  readonly file?: string;
}

/** What every reply is made from. */
export interface ReplyContext {
  readonly request: DhcpPacket;
  readonly situation: Situation;
  readonly subnet: DhcpSubnet;
  readonly client: Client;
  readonly boot?: BootAnswer;
}

type FileAnswer = Extract<BootAnswer, { kind: 'file' }>;

const typeNumber = { OFFER: 2, ACK: 5, NAK: 6 } as const;
const everybody: Ipv4 = '255.255.255.255';
/** What the 128-byte field holds besides its NUL; longer names stand in option 67 only. */
const longestFileField = 127;
/**
 * PXE 2.1 table 2-1: tag 6, bit 3: take the boot file named in this very message, with no discovery; tag 10: a menu
 * prompt that times out at once. Some ROMs want the prompt too.
 */
const useNamedFile = [6, 1, 8, 10, 4, 0, ...textBytes('PXE'), 255];
const bootItemTag = 71;

/** OFFER of an address, with or without a boot file (RFC 2131 section 4.3.1). */
export function offer(context: ReplyContext, address: Ipv4): Reply {
  return lease(context, 'OFFER', address);
}

/** ACK that gives or prolongs a lease. */
export function ackLease(context: ReplyContext, address: Ipv4): Reply {
  return lease(context, 'ACK', address);
}

/** ACK to INFORM: everything but an address and its times (RFC 2131 section 4.3.5). */
export function ackInform(context: ReplyContext): Reply {
  const options = [...networkOptions(context), ...bootOptions(context)];
  return build(context, 'ACK', { options, to: direct(context) });
}

function lease(context: ReplyContext, type: 'OFFER' | 'ACK', address: Ipv4): Reply {
  const { leaseSeconds } = context.subnet;
  const times: Option[] = [
    [optionCode.leaseTime, u32(leaseSeconds)],
    [optionCode.renewalTime, u32(Math.floor(leaseSeconds / 2))],
    [optionCode.rebindingTime, u32(Math.floor((leaseSeconds * 7) / 8))],
  ];
  const options = [...times, ...networkOptions(context), ...bootOptions(context)];
  return build(context, type, { options, to: direct(context), yiaddr: address });
}

/** Refusal: always by broadcast, or by the relay with the broadcast bit (RFC 2131 section 4.3.2). */
export function nak(context: ReplyContext, reason: string): Reply {
  const { request } = context;
  const { ports } = context.situation;
  const relayed = request.giaddr !== unspecified;
  const to = relayed ? { address: request.giaddr, port: ports.server } : { address: everybody, port: ports.client };
  const options: Option[] = [[optionCode.message, textBytes(reason)]];
  const reply = build({ ...context, boot: { kind: 'none', reason: 'refused' } }, 'NAK', { options, to });
  const flags = relayed ? reply.packet.flags | broadcastFlag : reply.packet.flags;
  return { ...reply, packet: { ...reply.packet, flags, ciaddr: unspecified } };
}

/**
 * ProxyDHCP's OFFER (no address), and the ACK of port 4011 that answers a unicast REQUEST there. iPXE takes the offer
 * only with both siaddr and a file name; firmware wants option 60 and, to go on without a menu, option 43.
 */
export function proxyReply(context: ReplyContext, boot: FileAnswer): Reply {
  const { client, request } = context;
  const { arrival } = context.situation;
  const http = boot.vendorClass === 'HTTPClient';
  const options = [
    ...bootOptions({ ...context, boot: { ...boot, vendorClass: http ? 'HTTPClient' : 'PXEClient' } }),
    ...(client.stage === 'firmware' && !http
      ? [[optionCode.vendorSpecific, pxeVendorOptions(request)] satisfies Option]
      : []),
  ];
  if (arrival.service === 'dhcp') return build(context, 'OFFER', { options, to: direct(context) });
  const reply = build(context, 'ACK', { options, to: arrival.from, yiaddr: request.ciaddr });
  return { ...reply, packet: { ...reply.packet, ciaddr: unspecified } };
}

/** Echoes the boot item that the client picked from a menu (PXE 2.1 table 2-1, tag 71), if it picked one. */
function pxeVendorOptions(request: DhcpPacket): Uint8Array {
  const asked = request.options.get(optionCode.vendorSpecific) ?? new Uint8Array();
  for (let at = 0; at + 2 <= asked.length && asked[at] !== 255; at += 2 + (asked[at + 1] ?? 0)) {
    if (asked[at] === bootItemTag && asked[at + 1] === 4 && at + 6 <= asked.length) {
      return Uint8Array.of(...asked.subarray(at, at + 6), 255);
    }
  }
  return Uint8Array.from(useNamedFile);
}

type Option = readonly [code: number, value: Uint8Array];

function networkOptions({ subnet, request }: ReplyContext): Option[] {
  const asked = request.options.get(optionCode.parameterRequestList);
  const list = (code: number, addresses: readonly Ipv4[] = []): Option[] =>
    addresses.length > 0 && (asked?.includes(code) ?? true) ? [[code, addressBytes(addresses)]] : [];
  const domain = subnet.domain !== undefined && (asked?.includes(optionCode.domainName) ?? true);
  return [
    [optionCode.subnetMask, ipv4ToBytes(netmask(subnet.network))],
    ...(subnet.router === undefined ? [] : [[optionCode.router, ipv4ToBytes(subnet.router)] satisfies Option]),
    ...list(optionCode.dnsServers, subnet.dns),
    ...(domain ? [[optionCode.domainName, textBytes(subnet.domain ?? '')] satisfies Option] : []),
    ...list(optionCode.broadcastAddress, [broadcastAddress(subnet.network)]),
    ...list(optionCode.ntpServers, subnet.ntp),
  ];
}

/** Options 60, 66, 67 and the echo of 97 (RFC 4578 section 2.3); nothing at all for a client without a boot file. */
function bootOptions({ boot, request }: ReplyContext): Option[] {
  if (boot?.kind !== 'file') return [];
  const uuid = request.options.get(optionCode.clientUuid);
  return [
    ...(boot.vendorClass === undefined ? [] : [[optionCode.vendorClass, textBytes(boot.vendorClass)] satisfies Option]),
    [optionCode.bootFile, textBytes(boot.file)],
    [optionCode.tftpServerName, textBytes(boot.nextServer)],
    ...(uuid === undefined ? [] : [[optionCode.clientUuid, uuid] satisfies Option]),
  ];
}

/**
 * Where OFFER and ACK go (RFC 2131 section 4.1): to the relay, to the client's own address, else by broadcast. Unicast
 * to an address that the client does not have yet would need an ARP entry; the RFC allows the broadcast.
 */
function direct({ request, situation, subnet }: ReplyContext): Endpoint {
  const { ports } = situation;
  if (request.giaddr !== unspecified) return { address: request.giaddr, port: ports.server };
  if (networkContains(subnet.network, request.ciaddr)) return { address: request.ciaddr, port: ports.client };
  return { address: everybody, port: ports.client };
}

function build(
  { request, situation, boot }: ReplyContext,
  type: Reply['type'],
  parts: { readonly options: readonly Option[]; readonly to: Endpoint; readonly yiaddr?: Ipv4 },
): Reply {
  const echo = (code: number): Option[] => {
    const value = request.options.get(code);
    return value === undefined ? [] : [[code, value]];
  };
  const file = boot?.kind === 'file' ? boot.file : undefined;
  const packet: DhcpPacket = {
    op: 2,
    htype: request.htype,
    hops: 0,
    xid: request.xid,
    secs: 0,
    flags: request.flags,
    ciaddr: type === 'ACK' ? request.ciaddr : unspecified,
    yiaddr: parts.yiaddr ?? unspecified,
    siaddr: boot?.kind === 'file' ? boot.nextServer : unspecified,
    giaddr: request.giaddr,
    chaddr: request.chaddr,
    sname: '',
    file: file !== undefined && file.length <= longestFileField ? file : '',
    options: new Map<number, Uint8Array>([
      [optionCode.messageType, Uint8Array.of(typeNumber[type])],
      [optionCode.serverIdentifier, ipv4ToBytes(situation.serverAddress)],
      ...parts.options,
      // RFC 6842 section 3 and RFC 3046 section 2.2: servers return both as they came.
      ...echo(optionCode.clientIdentifier),
      ...echo(optionCode.relayAgent),
    ]),
  };
  return { type, packet, to: parts.to, ...(file !== undefined && { file }) };
}

import type { BootAnswer } from '../boot/client.ts';
import { ipv4FromBytes, networkContains, type Ipv4 } from '../net/address.ts';
import type { Client } from './client.ts';
import type { ClaimMode, ClaimOutcome, ClaimRefusal, OfferOutcome } from './leases.ts';
import { optionCode, readIpv4 } from './options.ts';
import { messageType, unspecified, type DhcpPacket } from './packet.ts';
import { ackInform, ackLease, nak, offer, proxyReply, type Reply, type ReplyContext } from './reply.ts';
import type { Arrival, Situation } from './situation.ts';
import { subnetOf, type DhcpSubnet } from './subnet.ts';

/** In which state the client sends its REQUEST (RFC 2131 section 4.3.2). */
export type RequestState = 'selecting' | 'init-reboot' | 'renewing' | 'rebinding';

/** What a message wants of us: decided before anything is looked up. */
export type Plan =
  | { readonly kind: 'ignore'; readonly reason: string }
  | { readonly kind: 'other-server'; readonly server: Ipv4; readonly reason: string }
  | { readonly kind: 'offer'; readonly requested?: Ipv4 }
  | { readonly kind: 'claim'; readonly address: Ipv4; readonly state: RequestState }
  | { readonly kind: 'nak'; readonly reason: string }
  | { readonly kind: 'proxy' }
  | { readonly kind: 'inform' }
  | { readonly kind: 'decline'; readonly address: Ipv4 }
  | { readonly kind: 'release'; readonly address: Ipv4 };

/** What was looked up, or done, for the plan. */
export interface Gathered {
  readonly offered?: OfferOutcome;
  readonly claimed?: ClaimOutcome;
  readonly boot?: BootAnswer;
}

export type Answer =
  | { readonly kind: 'reply'; readonly reply: Reply; readonly reason?: string }
  | { readonly kind: 'ignore'; readonly reason: string };

const linkSelection = 5;

/**
 * The subnet of the client: by the relay's link selection (RFC 3527) or giaddr; by the client's own address where it
 * speaks to us directly (a RENEW crosses routers without a relay); else the network that we are on ourselves.
 */
export function selectSubnet(
  request: DhcpPacket,
  arrival: Arrival,
  server: { readonly subnets: readonly DhcpSubnet[]; readonly serverAddress: Ipv4 },
): DhcpSubnet | undefined {
  const { subnets, serverAddress } = server;
  if (arrival.service === 'proxy') return subnetOf(subnets, arrival.from.address);
  if (request.giaddr !== unspecified) return subnetOf(subnets, selectedLink(request) ?? request.giaddr);
  if (arrival.unicast && request.ciaddr !== unspecified) return subnetOf(subnets, request.ciaddr);
  return subnetOf(subnets, serverAddress);
}

function selectedLink(request: DhcpPacket): Ipv4 | undefined {
  const relay = request.options.get(optionCode.relayAgent) ?? new Uint8Array();
  for (let at = 0; at + 2 <= relay.length; at += 2 + (relay[at + 1] ?? 0)) {
    if (relay[at] === linkSelection && relay[at + 1] === 4 && at + 6 <= relay.length) {
      return ipv4FromBytes(relay.subarray(at + 2, at + 6));
    }
  }
  return undefined;
}

/** What the message wants, and whether it is for us. */
export function plan(request: DhcpPacket, situation: Situation): Plan {
  const { subnet, client, arrival } = situation;
  if (request.op !== 1) return ignore('it is a reply of another server');
  if (client === undefined) return ignore('its hardware address is not that of an Ethernet interface');
  if (subnet === undefined) return ignore('it is on no network that we serve');
  const type = messageType(request);
  if (type === undefined) return ignore('it has no DHCP message type (plain BOOTP is not served)');
  if (arrival.service === 'proxy') return planBootServer(type, subnet);
  if (!subnet.addresses) return planWithoutAddresses(request, { ...situation, subnet, client });
  switch (type) {
    case 'DISCOVER': {
      const requested = readIpv4(request.options.get(optionCode.requestedAddress));
      return { kind: 'offer', ...(requested !== undefined && { requested }) };
    }
    case 'REQUEST':
      return planRequest(request, situation, subnet);
    case 'INFORM':
      return networkContains(subnet.network, request.ciaddr)
        ? { kind: 'inform' }
        : ignore(`its address ${request.ciaddr} is not in ${subnet.network.cidr}`);
    case 'DECLINE':
    case 'RELEASE':
      return planReturn(request, type, situation.serverAddress);
    default:
      return ignore(`${type} is sent by servers only`);
  }
}

/** Observing, or proxyDHCP: another server gives the addresses. */
function planWithoutAddresses(
  request: DhcpPacket,
  situation: Situation & { client: Client; subnet: DhcpSubnet },
): Plan {
  const type = messageType(request);
  const chosen = readIpv4(request.options.get(optionCode.serverIdentifier));
  if (!situation.subnet.boot) {
    const { silentFor } = situation.subnet;
    if (type === 'REQUEST' && chosen !== undefined) {
      const reason = silentFor === undefined ? 'we only watch this network' : 'we give none beside another server';
      return { kind: 'other-server', server: chosen, reason };
    }
    return ignore(
      silentFor === undefined
        ? 'we only watch this network'
        : `another DHCP server, ${silentFor}, answers on this network`,
    );
  }
  if (situation.client.stage === 'os') return ignore('it asks for an address only, and another server gives these');
  // The REQUEST on port 67 is for the server of the address; the boot server is asked on port 4011.
  return type === 'DISCOVER' ? { kind: 'proxy' } : ignore('another server gives the addresses here');
}

function planBootServer(type: string, subnet: DhcpSubnet): Plan {
  if (!subnet.boot) return ignore('we do not tell this network what to boot');
  return type === 'REQUEST' || type === 'INFORM' ? { kind: 'proxy' } : ignore(`${type} is not for port 4011`);
}

function planRequest(request: DhcpPacket, situation: Situation, subnet: DhcpSubnet): Plan {
  const chosen = readIpv4(request.options.get(optionCode.serverIdentifier));
  const requested = readIpv4(request.options.get(optionCode.requestedAddress));
  const current = request.ciaddr === unspecified ? undefined : request.ciaddr;
  const address = requested ?? current;
  if (chosen !== undefined && chosen !== situation.serverAddress) {
    return { kind: 'other-server', server: chosen, reason: 'it took the offer of another server' };
  }
  if (address === undefined) return ignore('it names no address');
  const state = requestState(chosen, current, situation.arrival.unicast && request.giaddr === unspecified);
  if (!networkContains(subnet.network, address)) {
    return { kind: 'nak', reason: `${address} is not in ${subnet.network.cidr}` };
  }
  return { kind: 'claim', address, state };
}

function requestState(chosen: Ipv4 | undefined, current: Ipv4 | undefined, direct: boolean): RequestState {
  if (chosen !== undefined) return 'selecting';
  if (current === undefined) return 'init-reboot';
  return direct ? 'renewing' : 'rebinding';
}

function planReturn(request: DhcpPacket, type: 'DECLINE' | 'RELEASE', serverAddress: Ipv4): Plan {
  const server = readIpv4(request.options.get(optionCode.serverIdentifier));
  if (server !== serverAddress) return ignore(`it is for the server ${server ?? '(not named)'}`);
  if (type === 'RELEASE') return { kind: 'release', address: request.ciaddr };
  const address = readIpv4(request.options.get(optionCode.requestedAddress));
  return address === undefined ? ignore('it names no address') : { kind: 'decline', address };
}

/** Whether `bootAnswer` has to be asked for this plan: firmware and iPXE boot from us, an operating system does not. */
export function wantsBoot(decided: Plan, { subnet, client }: Situation): boolean {
  const replies = ['offer', 'claim', 'proxy', 'inform'].includes(decided.kind);
  return replies && subnet?.boot === true && client !== undefined && client.stage !== 'os';
}

/** The reply, or why there is none. Pure: everything was gathered before. */
export function answer(request: DhcpPacket, situation: Situation, decided: Plan, gathered: Gathered): Answer {
  const { subnet, client } = situation;
  if (decided.kind === 'ignore' || decided.kind === 'other-server') return ignore(decided.reason);
  if (subnet === undefined || client === undefined) return ignore('it is on no network that we serve');
  const { boot } = gathered;
  const context = { request, situation, subnet, client, ...(boot !== undefined && { boot }) };
  switch (decided.kind) {
    case 'offer':
      return answerDiscover(context, gathered.offered);
    case 'claim':
      return answerClaim(context, decided, gathered.claimed);
    case 'nak':
      return { kind: 'reply', reply: nak(context, decided.reason), reason: decided.reason };
    case 'inform':
      return { kind: 'reply', reply: ackInform(context) };
    case 'proxy':
      return answerProxy(context);
    case 'decline':
    case 'release':
      return ignore('a message of this type has no reply');
  }
}

function answerDiscover(context: ReplyContext, outcome: OfferOutcome | undefined): Answer {
  return outcome?.ok === true
    ? { kind: 'reply', reply: offer(context, outcome.address) }
    : ignore(`the pools of ${context.subnet.network.cidr} have no free address`);
}

function answerProxy(context: ReplyContext): Answer {
  const { boot } = context;
  return boot?.kind === 'file'
    ? { kind: 'reply', reply: proxyReply(context, boot) }
    : ignore(`it has nothing to boot from us: ${boot?.reason ?? 'it is no PXE client'}`);
}

function answerClaim(
  context: ReplyContext,
  { address, state }: Extract<Plan, { kind: 'claim' }>,
  outcome: ClaimOutcome | undefined,
): Answer {
  if (outcome?.ok === true) return { kind: 'reply', reply: ackLease(context, address) };
  const refusal = outcome?.reason ?? 'unknown';
  // RFC 2131 section 4.3.2: silent about clients of which we have no record; another server may have it.
  if (refusal === 'unknown') return ignore(`we have no record of its address ${address} (${state})`);
  const reason = `${address} ${refusals[refusal]}`;
  return { kind: 'reply', reply: nak(context, reason), reason };
}

const refusals: Readonly<Record<Exclude<ClaimRefusal, 'unknown'>, string>> = {
  taken: 'belongs to another client',
  outside: 'is not ours to give',
  other: 'is not the address that we gave to this client',
};

/** What a claim in each state may do: only a SELECTING client gets something new (RFC 2131 section 4.3.2). */
export const claimModes: Readonly<Record<RequestState, ClaimMode>> = {
  selecting: 'new',
  renewing: 'restore',
  'init-reboot': 'known',
  rebinding: 'known',
};

function ignore(reason: string): { readonly kind: 'ignore'; readonly reason: string } {
  return { kind: 'ignore', reason };
}

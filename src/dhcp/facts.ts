import type { NewFact } from '../model/fact.ts';
import type { Client } from './client.ts';
import type { Answer, Plan } from './machine.ts';
import { describeOptions, optionCode, readIpv4 } from './options.ts';
import { messageType, unspecified, type DhcpPacket } from './packet.ts';
import type { Situation } from './situation.ts';

/** The facts of one message: what the client said, and what we did about it. In plain words: operators read them. */

const requestKinds = {
  DISCOVER: 'dhcp.discover',
  REQUEST: 'dhcp.request',
  DECLINE: 'dhcp.decline',
  RELEASE: 'dhcp.release',
  INFORM: 'dhcp.inform',
} as const;
const replyKinds = { OFFER: 'dhcp.offer', ACK: 'dhcp.ack', NAK: 'dhcp.nak' } as const;

/** What the client asked; undefined for messages that are no client's. */
export function requestFact(request: DhcpPacket, situation: Situation, decided: Plan): NewFact | undefined {
  const type = messageType(request);
  const { client, arrival } = situation;
  if (client === undefined || type === undefined || !(type in requestKinds)) return undefined;
  const kind = type as keyof typeof requestKinds;
  const address = wantedAddress(request);
  return {
    kind: requestKinds[kind],
    how: 'packet',
    text: requestText(kind, client, { address, state: decided.kind === 'claim' ? decided.state : undefined }),
    ...identity(client),
    ...(address !== undefined && { address }),
    data: {
      message: type,
      ...clientData(client),
      ...(address !== undefined && { address }),
      ...(decided.kind === 'claim' && { state: decided.state }),
      ...(arrival.service === 'proxy' && { port: situation.ports.proxy }),
      ...(request.giaddr !== unspecified && { relay: request.giaddr }),
      ...(kind === 'DISCOVER' && { options: describeOptions(request.options) }),
    },
  };
}

function requestText(
  type: keyof typeof requestKinds,
  client: Client,
  { address = 'an address', state }: { readonly address?: string | undefined; readonly state?: string | undefined },
): string {
  const who = clientText(client);
  switch (type) {
    case 'DISCOVER':
      return `${who} asked for an address`;
    case 'REQUEST':
      return `${who} asked to have ${address}${state === undefined ? '' : ` (${state})`}`;
    case 'DECLINE':
      return `${who} found ${address} in use by another machine`;
    case 'RELEASE':
      return `${who} gave ${address} back`;
    case 'INFORM':
      return `${who} has ${address} and asked for the rest`;
  }
}

/** What we did: a reply, or silence and why. `problem`: the reply could not be sent, or not all of it. */
export function answerFact(
  situation: Situation,
  decided: Plan,
  result: { readonly answer: Answer; readonly bootReason?: string; readonly problem?: string },
): NewFact | undefined {
  const { client, serverAddress } = situation;
  const { answer, bootReason, problem } = result;
  if (client === undefined || decided.kind === 'release' || decided.kind === 'decline') return undefined;
  const common = { ...identity(client), how: 'self' as const };
  if (decided.kind === 'other-server') {
    const text = `took another DHCP server, ${decided.server}: ${decided.reason}`;
    return { ...common, how: 'packet', kind: 'dhcp.other-server', text, data: { server: decided.server } };
  }
  if (answer.kind === 'ignore') {
    const { reason } = answer;
    const silentFor = situation.subnet?.silentFor;
    return {
      ...common,
      kind: 'dhcp.ignored',
      text: `we did not answer: ${reason}`,
      data: { reason, ...(silentFor !== undefined && { silentFor }) },
    };
  }
  const { type, packet, file } = answer.reply;
  const address = packet.yiaddr === unspecified ? undefined : packet.yiaddr;
  return {
    ...common,
    kind: replyKinds[type],
    text: `${replyText(answer, address, bootReason)}${problem === undefined ? '' : `; ${problem}`}`,
    ...(address !== undefined && { address }),
    data: {
      message: type,
      ...clientData(client),
      ...(address !== undefined && { address }),
      ...(file !== undefined && { file }),
      ...(bootReason !== undefined && { noFile: bootReason }),
      ...(problem !== undefined && { problem }),
      server: serverAddress,
    },
  };
}

function replyText(
  answer: Extract<Answer, { kind: 'reply' }>,
  address: string | undefined,
  bootReason: string | undefined,
): string {
  const { type, file } = answer.reply;
  if (type === 'NAK') return `we refused: ${answer.reason ?? 'the address is not for this client'}`;
  const boot =
    file === undefined ? `no boot file${bootReason === undefined ? '' : ` (${bootReason})`}` : `boot file ${file}`;
  const what = address === undefined ? boot : `${address} and ${boot}`;
  return `we ${type === 'OFFER' ? 'offered' : 'gave'} ${what}`;
}

function wantedAddress(request: DhcpPacket): string | undefined {
  const requested = readIpv4(request.options.get(optionCode.requestedAddress));
  return requested ?? (request.ciaddr === unspecified ? undefined : request.ciaddr);
}

function clientText({ stage, arch, vendorClass }: Client): string {
  const kind = { ipxe: 'iPXE', firmware: 'network boot firmware', os: 'an operating system' }[stage];
  const http = stage === 'firmware' && vendorClass?.startsWith('HTTPClient') === true ? 'HTTP Boot firmware' : kind;
  return arch === undefined || stage === 'os' ? http : `${http} (architecture ${arch})`;
}

function clientData({ stage, arch, vendorClass }: Client): Record<string, unknown> {
  return { stage, ...(arch !== undefined && { arch }), ...(vendorClass !== undefined && { vendorClass }) };
}

function identity({ mac, uuid }: Client): Pick<NewFact, 'mac' | 'uuid'> {
  return { mac, ...(uuid !== undefined && { uuid }) };
}

import options from 'dhcp/lib/options.js';
import protocol from 'dhcp/lib/protocol.js';
import { macToBytes, type Mac } from '../../net/mac.ts';
import { ipv4ToBytes, type Ipv4 } from '../../net/address.ts';

/**
 * The DHCP messages of a simulated node. Requests are written byte by byte as firmware writes them; replies are read by
 * the package `dhcp`, so that each simulated boot checks our server against a reader that is not ours.
 */

// The package drops what it does not know, with a line on the console for each: tell it what servers echo to PXE.
options.addOption(97, { name: 'Client machine identifier', type: 'UInt8s', attr: 'clientMachineId' });

export type DhcpStage = 'firmware' | 'ipxe' | 'os';

export interface DhcpQuestion {
  readonly type: 'discover' | 'request' | 'decline' | 'release';
  readonly xid: number;
  readonly mac: Mac;
  readonly uuid: string;
  /** Option 93. */
  readonly arch: number;
  readonly stage: DhcpStage;
  /** The relay that carries the message, as giaddr. */
  readonly relay: Ipv4;
  readonly requested?: Ipv4;
  readonly server?: Ipv4;
}

/** What a client makes of an answer. */
export interface DhcpReply {
  readonly type: 'offer' | 'ack' | 'nak';
  readonly xid: number;
  readonly address: Ipv4;
  readonly server: Ipv4;
  /** Next server (siaddr). */
  readonly nextServer: Ipv4;
  /** Option 67, or the header's field. */
  readonly file: string | undefined;
}

const messageTypes = { discover: 1, request: 3, decline: 4, release: 7 } as const;
const replyTypes: Readonly<Record<number, DhcpReply['type']>> = { 2: 'offer', 5: 'ack', 6: 'nak' };

/** The bytes of a client's message (RFC 2131 section 2; options as OVMF and iPXE send them). */
export function formatQuestion(question: DhcpQuestion): Uint8Array {
  const header = new Uint8Array(240);
  const view = new DataView(header.buffer);
  header.set([1, 1, 6, 1]);
  view.setUint32(4, question.xid);
  // The broadcast flag: a client without an address cannot be sent to.
  view.setUint16(10, 0x8000);
  header.set(ipv4ToBytes(question.relay), 24);
  header.set(macToBytes(question.mac), 28);
  view.setUint32(236, 0x63825363);
  return Uint8Array.from([...header, ...clientOptions(question).flat(), 255, ...new Uint8Array(60)]);
}

/** Reads a reply; undefined for what is no reply to a client. */
export function parseReply(bytes: Uint8Array): DhcpReply | undefined {
  const message = protocol.parse(Buffer.from(bytes));
  const type = replyTypes[Number(message.options[53])];
  if (message.op !== 2 || type === undefined) return undefined;
  const option67 = message.options[67];
  const file = typeof option67 === 'string' && option67 !== '' ? option67 : message.file;
  return {
    type,
    xid: message.xid,
    address: message.yiaddr,
    server: String(message.options[54]),
    nextServer: message.siaddr,
    file: trimNuls(file) === '' ? undefined : trimNuls(file),
  };
}

function clientOptions(question: DhcpQuestion): number[][] {
  const { requested, server } = question;
  return [
    option(53, [messageTypes[question.type]]),
    ...(requested === undefined ? [] : [option(50, ipv4ToBytes(requested))]),
    ...(server === undefined ? [] : [option(54, ipv4ToBytes(server))]),
    option(57, [1472 >> 8, 1472 & 255]),
    ...(question.stage === 'os' ? [option(60, text('Rackwright'))] : bootOptions(question)),
    option(55, [1, 3, 6, 12, 15, 43, 60, 66, 67, 97]),
  ];
}

function bootOptions({ stage, arch, uuid }: DhcpQuestion): number[][] {
  const vendorClass = `PXEClient:Arch:${String(arch).padStart(5, '0')}:UNDI:003000`;
  return [
    option(93, [arch >> 8, arch & 255]),
    option(94, [1, 3, 0]),
    option(60, text(vendorClass)),
    ...(stage === 'ipxe' ? [option(77, text('iPXE')), option(175, [0xb1, 1, 1])] : []),
    option(97, [0, ...uuidBytes(uuid)]),
  ];
}

/** SMBIOS order: the first three fields little-endian. */
function uuidBytes(uuid: string): number[] {
  const bytes =
    uuid
      .replaceAll('-', '')
      .match(/../g)
      ?.map((pair) => Number.parseInt(pair, 16)) ?? [];
  const swap = (from: number, to: number): number[] => bytes.slice(from, to).reverse();
  return [...swap(0, 4), ...swap(4, 6), ...swap(6, 8), ...bytes.slice(8)];
}

function option(code: number, value: Iterable<number>): number[] {
  const bytes = [...value];
  return [code, bytes.length, ...bytes];
}

function text(value: string): Uint8Array {
  return new TextEncoder().encode(value);
}

function trimNuls(value: string): string {
  return value.replace(/\0+$/, '');
}

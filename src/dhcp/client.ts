import type { BootStage } from '../boot/client.ts';
import { macFromBytes, type Mac } from '../net/mac.ts';
import { optionCode, readText, readU16, readUuid } from './options.ts';
import type { DhcpPacket } from './packet.ts';

/** Who sent a message, as far as it says. */
export interface Client {
  readonly mac: Mac;
  readonly uuid?: string;
  readonly arch?: number;
  readonly stage: BootStage;
  readonly vendorClass?: string;
  readonly hostname?: string;
}

const ethernet = 1;
/** RFC 3396 lets an option be as long as a datagram; what we store of a client is bounded. */
const longestText = 255;
/** Names that are safe to store and show; clients may send anything (RFC 1123 section 2.1). */
const hostnamePattern = /^[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?$/i;

/** Reads the client from its message; undefined if it has no usable Ethernet address, by which we know clients. */
export function identifyClient(packet: DhcpPacket): Client | undefined {
  if (!hasUnicastMac(packet)) return undefined;
  const { options } = packet;
  const uuid = readUuid(options.get(optionCode.clientUuid));
  const vendorClass = printable(options.get(optionCode.vendorClass));
  const hostname = printable(options.get(optionCode.hostName));
  // The list may name several architectures (RFC 4578 section 2.1); the first is the one that runs.
  const arch = readU16(options.get(optionCode.clientArch)?.subarray(0, 2));
  return {
    mac: macFromBytes(packet.chaddr),
    stage: stageOf(packet, vendorClass),
    ...(uuid !== undefined && { uuid }),
    ...(arch !== undefined && { arch }),
    ...(vendorClass !== undefined && { vendorClass }),
    ...(hostname !== undefined && hostnamePattern.test(hostname) && { hostname }),
  };
}

function hasUnicastMac({ htype, chaddr }: DhcpPacket): boolean {
  const [first = 1] = chaddr;
  return htype === ethernet && chaddr.length === 6 && (first & 1) === 0 && chaddr.some((byte) => byte !== 0);
}

function stageOf(packet: DhcpPacket, vendorClass = ''): BootStage {
  // iPXE's ROM calls itself PXEClient too: look for iPXE first, or the loader would chain itself for ever.
  if (packet.options.has(optionCode.ipxe) || isIpxe(packet.options.get(optionCode.userClass))) return 'ipxe';
  return /^(PXEClient|HTTPClient)/.test(vendorClass) ? 'firmware' : 'os';
}

/** iPXE sends the plain text; RFC 3004 section 4 wants a length before each class. */
function isIpxe(userClass: Uint8Array | undefined): boolean {
  if (userClass === undefined) return false;
  if (readText(userClass) === 'iPXE') return true;
  for (let at = 0; at < userClass.length; at += 1 + (userClass[at] ?? 0)) {
    if (readText(userClass.subarray(at + 1, at + 1 + (userClass[at] ?? 0))) === 'iPXE') return true;
  }
  return false;
}

function printable(value: Uint8Array | undefined): string | undefined {
  if (value === undefined || value.length === 0) return undefined;
  return readText(value.subarray(0, longestText)).replace(/[^\x20-\x7e]/g, '?');
}

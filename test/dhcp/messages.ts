import { optionCode, textBytes, u16 } from '../../src/dhcp/options.ts';
import type { DhcpPacket } from '../../src/dhcp/packet.ts';
import { addressBytes } from '../../src/dhcp/options.ts';
import { macToBytes } from '../../src/net/mac.ts';

type Parts = Partial<Omit<DhcpPacket, 'options'>> & { readonly options?: Readonly<Record<number, readonly number[]>> };

/** A packet of a client with nothing in it but what is given. */
export function makePacket({ options = {}, ...header }: Parts): DhcpPacket {
  const zero = '0.0.0.0';
  return {
    ...{ op: 1, htype: 1, hops: 0, xid: 0x01020304, secs: 0, flags: 0 },
    ...{ ciaddr: zero, yiaddr: zero, siaddr: zero, giaddr: zero },
    ...{ chaddr: macToBytes('52:54:00:00:00:01'), sname: '', file: '' },
    ...header,
    options: new Map(Object.entries(options).map(([code, value]) => [Number(code), Uint8Array.from(value)])),
  };
}

const types = { DISCOVER: 1, REQUEST: 3, DECLINE: 4, RELEASE: 7, INFORM: 8 } as const;
export type ClientMessage = keyof typeof types;

export interface MessageParts extends Parts {
  readonly mac?: string;
  /** Option 50. */
  readonly requested?: string;
  /** Option 54. */
  readonly server?: string;
}

/** A client's message of a type. */
export function makeMessage(
  type: ClientMessage,
  { mac, requested, server, options = {}, ...header }: MessageParts = {},
) {
  return makePacket({
    ...(mac !== undefined && { chaddr: macToBytes(mac) }),
    ...header,
    options: {
      [optionCode.messageType]: [types[type]],
      ...(requested !== undefined && { [optionCode.requestedAddress]: [...addressBytes([requested])] }),
      ...(server !== undefined && { [optionCode.serverIdentifier]: [...addressBytes([server])] }),
      ...options,
    },
  });
}

/** What PXE firmware adds to its messages. */
export function pxeOptions(arch: number, vendorClass = `PXEClient:Arch:${String(arch).padStart(5, '0')}:UNDI:003000`) {
  return {
    [optionCode.vendorClass]: [...textBytes(vendorClass)],
    [optionCode.clientArch]: [...u16(arch)],
    [optionCode.clientUuid]: [0, ...Array.from({ length: 16 }, (_, index) => index)],
    [optionCode.maximumSize]: [...u16(1472)],
  };
}

export const ipxeOptions = { ...pxeOptions(0), [optionCode.userClass]: [...textBytes('iPXE')] };

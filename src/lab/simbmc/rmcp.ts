/**
 * Packets of IPMI over LAN (IPMI 2.0 chapter 13): RMCP header, session header of IPMI 1.5 or RMCP+, payload. Pure; signing
 * and encryption are arguments.
 */

/** RMCP version 1.0, no acknowledge, class IPMI (IPMI 2.0 section 13.1.3). */
const rmcpHeader = [0x06, 0x00, 0xff, 0x07] as const;
const headerLength = rmcpHeader.length;
/** Session header of RMCP+ up to the payload (section 13.6). */
const rmcpPlusLength = 12;

export const payloadType = {
  ipmi: 0x00,
  openSessionRequest: 0x10,
  openSessionResponse: 0x11,
  rakp1: 0x12,
  rakp2: 0x13,
  rakp3: 0x14,
  rakp4: 0x15,
} as const;

/** A received packet; payload and signature as they came. */
export type LanPacket =
  | { readonly form: '1.5'; readonly sessionId: number; readonly payload: Buffer }
  | {
      readonly form: '2.0';
      readonly type: number;
      readonly sessionId: number;
      readonly encrypted: boolean;
      readonly signed: boolean;
      readonly payload: Buffer;
      /** What the signature covers, and the signature. */
      readonly covered: Buffer;
      readonly signature: Buffer;
    };

/** Reads a datagram; undefined for what is no IPMI packet. */
export function parseLanPacket(bytes: Buffer, signatureLength: number): LanPacket | undefined {
  if (bytes.length < 14 || bytes[0] !== 0x06 || bytes[3] !== 0x07) return undefined;
  const body = bytes.subarray(headerLength);
  if (body[0] !== 0x06) {
    const authCode = body[0] === 0 ? 0 : 16;
    const at = 10 + authCode;
    return { form: '1.5', sessionId: body.readUInt32LE(5), payload: body.subarray(at, at + (body[at - 1] ?? 0)) };
  }
  if (body.length < rmcpPlusLength) return undefined;
  const flags = body[1] ?? 0;
  const signed = (flags & 0x40) !== 0;
  const end = rmcpPlusLength + body.readUInt16LE(10);
  if (end > body.length) return undefined;
  const signatureAt = body.length - signatureLength;
  return {
    form: '2.0',
    type: flags & 0x3f,
    sessionId: body.readUInt32LE(2),
    encrypted: (flags & 0x80) !== 0,
    signed,
    payload: body.subarray(rmcpPlusLength, end),
    covered: signed ? body.subarray(0, signatureAt) : Buffer.alloc(0),
    signature: signed ? body.subarray(signatureAt) : Buffer.alloc(0),
  };
}

/** A packet outside of a session, in the form of IPMI 1.5. */
export function formatLegacyPacket(payload: Buffer): Buffer {
  return Buffer.concat([Buffer.from([...rmcpHeader, 0, 0, 0, 0, 0, 0, 0, 0, 0, payload.length]), payload]);
}

export interface PlusPacket {
  readonly type: number;
  readonly sessionId: number;
  readonly sequence: number;
  /** Encrypted already, where `encrypted`. */
  readonly payload: Buffer;
  readonly encrypted: boolean;
  /** Signs what it is given; none: the packet is not signed. */
  readonly sign?: (covered: Buffer) => Buffer;
}

/** A packet of RMCP+ (section 13.6, with the trailer of table 13-8 where it is signed). */
export function formatPlusPacket({ type, sessionId, sequence, payload, encrypted, sign }: PlusPacket): Buffer {
  const header = Buffer.alloc(rmcpPlusLength);
  header[0] = 0x06;
  header[1] = type | (encrypted ? 0x80 : 0) | (sign ? 0x40 : 0);
  header.writeUInt32LE(sessionId, 2);
  header.writeUInt32LE(sequence, 6);
  header.writeUInt16LE(payload.length, 10);
  if (!sign) return Buffer.concat([Buffer.from(rmcpHeader), header, payload]);
  // Padded so that what is signed has whole words, pad length and next header (7) included.
  const pad = (4 - ((rmcpPlusLength + payload.length + 2) % 4)) % 4;
  const covered = Buffer.concat([header, payload, Buffer.alloc(pad, 0xff), Buffer.from([pad, 0x07])]);
  return Buffer.concat([Buffer.from(rmcpHeader), covered, sign(covered)]);
}

/** A request to the BMC (section 13.8). */
export interface IpmiRequest {
  readonly netFn: number;
  readonly command: number;
  readonly data: Buffer;
  /** The requester's address byte and sequence byte, echoed in the response. */
  readonly requester: number;
  readonly sequence: number;
}

/** Reads an IPMI message; undefined if it is cut short or a checksum is wrong. */
export function parseIpmiRequest(message: Buffer): IpmiRequest | undefined {
  if (message.length < 7 || checksum(message.subarray(0, 3)) !== 0 || checksum(message.subarray(3)) !== 0)
    return undefined;
  const [, netFn = 0, , requester = 0, sequence = 0, command = 0] = message;
  return { netFn: netFn >> 2, command, requester, sequence, data: message.subarray(6, -1) };
}

/** The response to a request: completion code, then data. */
export function formatIpmiResponse(request: IpmiRequest, completion: number, data: Uint8Array): Buffer {
  const head = Buffer.from([request.requester, (request.netFn | 1) << 2]);
  const body = Buffer.from([0x20, request.sequence, request.command, completion, ...data]);
  return Buffer.concat([head, Buffer.from([-checksum(head) & 0xff]), body, Buffer.from([-checksum(body) & 0xff])]);
}

function checksum(bytes: Uint8Array): number {
  return bytes.reduce((sum, byte) => (sum + byte) & 0xff, 0);
}

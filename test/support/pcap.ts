import { readFileSync } from 'node:fs';

/** A UDP datagram of a capture. */
export interface CapturedDatagram {
  /** Number of its frame, from 1, as tcpdump and Wireshark count. */
  readonly frame: number;
  readonly from: string;
  readonly fromPort: number;
  readonly to: string;
  readonly toPort: number;
  /** What was captured of the payload: shorter than it was where the capture cut it. */
  readonly payload: Uint8Array;
}

/** UDP over IPv4 over Ethernet in a pcap or pcapng file (https://www.ietf.org/archive/id/draft-ietf-opsawg-pcap-04). */
export function readDatagrams(path: string): CapturedDatagram[] {
  const file = readFileSync(path);
  const frames = file.readUInt32LE(0) === sectionHeader ? pcapngFrames(file) : pcapFrames(file);
  return frames.flatMap((bytes, index) => {
    const datagram = parseFrame(bytes);
    return datagram === undefined ? [] : [{ frame: index + 1, ...datagram }];
  });
}

const sectionHeader = 0x0a0d0d0a;
const enhancedPacket = 6;
const pcapMagic = 0xa1b2c3d4;

function pcapFrames(file: Buffer): Buffer[] {
  if (file.readUInt32LE(0) !== pcapMagic) throw new Error('expected a little-endian pcap file');
  const frames: Buffer[] = [];
  for (let at = 24; at + 16 <= file.length;) {
    const length = file.readUInt32LE(at + 8);
    frames.push(file.subarray(at + 16, at + 16 + length));
    at += 16 + length;
  }
  return frames;
}

function pcapngFrames(file: Buffer): Buffer[] {
  const frames: Buffer[] = [];
  for (let at = 0; at + 12 <= file.length; at += file.readUInt32LE(at + 4)) {
    if (file.readUInt32LE(at) !== enhancedPacket) continue;
    frames.push(file.subarray(at + 28, at + 28 + file.readUInt32LE(at + 20)));
  }
  return frames;
}

function parseFrame(frame: Buffer): Omit<CapturedDatagram, 'frame'> | undefined {
  if (frame.length < 42 || frame.readUInt16BE(12) !== 0x0800 || frame[23] !== 17) return undefined;
  const udp = 14 + ((frame[14] ?? 0) & 15) * 4;
  const address = (at: number) => [...frame.subarray(at, at + 4)].join('.');
  return {
    from: address(26),
    to: address(30),
    fromPort: frame.readUInt16BE(udp),
    toPort: frame.readUInt16BE(udp + 2),
    payload: Uint8Array.from(frame.subarray(udp + 8, udp + frame.readUInt16BE(udp + 4))),
  };
}

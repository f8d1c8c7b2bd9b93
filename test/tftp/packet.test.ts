import fc from 'fast-check';
import { MalformedError } from '../../src/errors.ts';
import { decodePacket, encodePacket } from '../../src/tftp/packet.ts';
import type { TftpPacket } from '../../src/tftp/packet.ts';

const bytes = (text: string) => Uint8Array.from(Buffer.from(text, 'latin1'));

test.each<[string, string, TftpPacket]>([
  [
    'a plain read',
    '\0\x01undionly.kpxe\0octet\0',
    { op: 'RRQ', file: 'undionly.kpxe', mode: 'octet', options: new Map() },
  ],
  [
    'what OVMF sends',
    '\0\x01snponly.efi\0octet\0tsize\x000\0blksize\x001468\0windowsize\x004\0',
    {
      op: 'RRQ',
      file: 'snponly.efi',
      mode: 'octet',
      options: new Map([
        ['tsize', '0'],
        ['blksize', '1468'],
        ['windowsize', '4'],
      ]),
    },
  ],
  [
    'option names in capitals',
    '\0\x01f\0OCTET\0BLKSIZE\x00512\0',
    { op: 'RRQ', file: 'f', mode: 'OCTET', options: new Map([['blksize', '512']]) },
  ],
  [
    'an option twice',
    '\0\x01f\0octet\0blksize\x00512\0BLKSIZE\x008\0',
    { op: 'RRQ', file: 'f', mode: 'octet', options: new Map([['blksize', '512']]) },
  ],
  [
    'a request padded with zeros',
    '\0\x01f\0octet\0\0\0\0',
    { op: 'RRQ', file: 'f', mode: 'octet', options: new Map() },
  ],
  ['a write', '\0\x02f\0netascii\0', { op: 'WRQ', file: 'f', mode: 'netascii', options: new Map() }],
  ['data', '\0\x03\x01\x02abc', { op: 'DATA', block: 258, bytes: bytes('abc') }],
  ['empty data', '\0\x03\xff\xff', { op: 'DATA', block: 65535, bytes: bytes('') }],
  ['an acknowledgement', '\0\x04\x80\x00', { op: 'ACK', block: 32768 }],
  ['an error', '\0\x05\0\x01File not found\0', { op: 'ERROR', code: 1, message: 'File not found' }],
  ['an error without its last zero', '\0\x05\0\x08User aborted', { op: 'ERROR', code: 8, message: 'User aborted' }],
  ['an error without a message', '\0\x05\0\0', { op: 'ERROR', code: 0, message: '' }],
  ['an option acknowledgement', '\0\x06tsize\x0070000\0', { op: 'OACK', options: new Map([['tsize', '70000']]) }],
])('%s', (_name, datagram, packet) => {
  expect(decodePacket(bytes(datagram))).toEqual(packet);
});

test.each([
  ['nothing', ''],
  ['one byte', '\0'],
  ['one byte that is not zero', '\x01'],
  ['an opcode of 0', '\0\0'],
  ['an opcode of 7', '\0\x07abc'],
  ['an opcode alone', '\0\x01'],
  ['a file without a mode', '\0\x01file\0'],
  ['a mode without its zero', '\0\x01file\0octet'],
  ['an option without a value', '\0\x01file\0octet\0blksize\0'],
  ['data without a block', '\0\x03\0'],
  ['an acknowledgement without a block', '\0\x04'],
  ['an error without a code', '\0\x05\0'],
  ['an OACK without a value', '\0\x06tsize\0'],
])('%s is malformed', (_name, datagram) => {
  expect(() => decodePacket(bytes(datagram))).toThrow(MalformedError);
});

const word = fc.integer({ min: 0, max: 65535 });
const text = fc.string({ unit: 'grapheme' }).filter((value) => !value.includes('\0') && value.isWellFormed());
const options = fc
  .uniqueArray(fc.tuple(fc.stringMatching(/^[a-z]{1,9}$/), text), { selector: ([name]) => name })
  .map((entries) => new Map(entries));
const packets: fc.Arbitrary<TftpPacket> = fc.oneof(
  fc.record({ op: fc.constantFrom('RRQ' as const, 'WRQ' as const), file: text, mode: text, options }),
  fc.record({ op: fc.constant('DATA' as const), block: word, bytes: fc.uint8Array({ maxLength: 600 }) }),
  fc.record({ op: fc.constant('ACK' as const), block: word }),
  fc.record({ op: fc.constant('ERROR' as const), code: word, message: text }),
  fc.record({ op: fc.constant('OACK' as const), options }),
);

test('what is encoded is decoded to the same', () => {
  fc.assert(
    fc.property(packets, (packet) => {
      expect(decodePacket(encodePacket(packet))).toEqual(packet);
    }),
  );
});

test('any bytes are a packet or malformed, and never anything else', () => {
  const likely = fc
    .tuple(fc.integer({ min: 0, max: 7 }), fc.uint8Array({ maxLength: 40 }))
    .map(([opcode, rest]) => Uint8Array.of(0, opcode, ...rest));
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 60 }), likely), (datagram) => {
      try {
        decodePacket(datagram);
      } catch (error) {
        expect(error).toBeInstanceOf(MalformedError);
      }
    }),
    { numRuns: 1000 },
  );
});

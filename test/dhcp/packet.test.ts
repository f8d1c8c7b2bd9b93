import fc from 'fast-check';
import { fileURLToPath } from 'node:url';
import { identifyClient } from '../../src/dhcp/client.ts';
import { describeOptions, optionCode, textBytes, u16 } from '../../src/dhcp/options.ts';
import { decodePacket, encodePacket, replyLimit, type DhcpPacket } from '../../src/dhcp/packet.ts';
import { MalformedError } from '../../src/errors.ts';
import { expectGolden } from '../support/golden.ts';
import { captures, dhcpOf } from './captures.ts';
import { makePacket } from './messages.ts';

const whole = 65_507;

describe.each(captures)('capture %s', (capture) => {
  test('reads as its golden summary', () => {
    const texts = dhcpOf(capture).map(({ frame, from, fromPort, to, toPort, payload }) => {
      const head = `frame ${frame}: ${from}:${fromPort} > ${to}:${toPort}`;
      return [head, ...summary(decodePacket(payload))].join('\n  ');
    });
    const golden = new URL(`golden/${capture}.txt`, import.meta.url);
    expectGolden(fileURLToPath(golden), `${texts.join('\n\n')}\n`);
  });

  test('written again, it means the same', () => {
    for (const { payload } of dhcpOf(capture)) {
      const packet = decodePacket(payload);
      expect(decodePacket(encodePacket(packet, whole).bytes)).toEqual(packet);
    }
  });
});

function summary(packet: DhcpPacket): string[] {
  const { options, chaddr, ...header } = packet;
  const client = identifyClient(packet);
  return [
    `header ${JSON.stringify({ ...header, chaddr: Buffer.from(chaddr).toString('hex') })}`,
    ...Object.entries(describeOptions(options)).map(([name, text]) => `${name}: ${text}`),
    ...(packet.op === 1 ? [`client ${JSON.stringify(client)}`] : []),
  ];
}

const address = fc.ipV4();
const code = fc.integer({ min: 1, max: 254 }).filter((value) => value !== optionCode.overload);
const text = (maxLength: number) => fc.stringMatching(/^[\x20-\x7e]*$/, { maxLength });
const anyPacket: fc.Arbitrary<DhcpPacket> = fc.record({
  op: fc.constantFrom(1, 2),
  htype: fc.integer({ min: 0, max: 255 }),
  hops: fc.integer({ min: 0, max: 255 }),
  xid: fc.integer({ min: 0, max: 0xffffffff }),
  secs: fc.integer({ min: 0, max: 0xffff }),
  flags: fc.integer({ min: 0, max: 0xffff }),
  ciaddr: address,
  yiaddr: address,
  siaddr: address,
  giaddr: address,
  chaddr: fc.uint8Array({ maxLength: 16 }),
  sname: text(63),
  file: text(127),
  options: fc
    .array(fc.tuple(code, fc.uint8Array({ maxLength: 600 })), { maxLength: 12 })
    .map((entries) => new Map(entries)),
});

/** Option 53 is written first and 82 last: the order is no part of the meaning. */
const sorted = (packet: DhcpPacket) => ({ ...packet, options: new Map([...packet.options].sort(([a], [b]) => a - b)) });

test('what is written with room enough is read back', () => {
  fc.assert(
    fc.property(anyPacket, (packet) => {
      const { bytes, omitted } = encodePacket(packet, whole);
      expect(omitted).toEqual([]);
      expect(sorted(decodePacket(bytes))).toEqual(sorted(packet));
    }),
  );
});

test('what is written into little room is a part of the packet, with the rest named', () => {
  const sizes = fc.integer({ min: 300, max: 1472 });
  fc.assert(
    fc.property(anyPacket, sizes, (packet, limit) => {
      const { bytes, omitted } = encodePacket(packet, limit);
      expect(bytes.length).toBeLessThanOrEqual(limit);
      expect(bytes.length).toBeGreaterThanOrEqual(300);
      const kept = new Map([...packet.options].filter(([option]) => !omitted.includes(option)));
      expect(sorted(decodePacket(bytes))).toEqual(sorted({ ...packet, options: kept }));
    }),
  );
});

describe('hostile bytes', () => {
  const decodesOrRefuses = (bytes: Uint8Array) => {
    try {
      const packet = decodePacket(bytes);
      identifyClient(packet);
      describeOptions(packet.options);
      encodePacket(packet, replyLimit(packet));
    } catch (error) {
      expect(error).toBeInstanceOf(MalformedError);
    }
  };
  const cookie = [0x63, 0x82, 0x53, 0x63];

  test('at random are decoded or refused as malformed', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 700 }), decodesOrRefuses));
  });

  test('behind a good header are decoded or refused as malformed', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 236, maxLength: 236 }),
        fc.uint8Array({ maxLength: 400 }),
        (header, rest) => {
          decodesOrRefuses(Uint8Array.from([1, 1, 6, ...header.subarray(3), ...cookie, ...rest]));
        },
      ),
    );
  });

  test('made from real messages by changed bytes and cuts are decoded or refused as malformed', () => {
    const real = captures.flatMap((capture) => dhcpOf(capture).map(({ payload }) => payload));
    const change = fc.tuple(fc.nat({ max: 500 }), fc.nat({ max: 255 }));
    fc.assert(
      fc.property(fc.constantFrom(...real), fc.array(change, { maxLength: 8 }), fc.nat(500), (bytes, changes, cut) => {
        const mutated = bytes.slice(0, Math.max(cut, 200));
        for (const [at, value] of changes) mutated[at] = value;
        decodesOrRefuses(mutated);
      }),
      { numRuns: 500 },
    );
  });
});

describe('reading', () => {
  const options = (...bytes: number[]) => {
    const { bytes: packet } = encodePacket(makePacket({ options: {} }));
    packet.set(bytes, 240);
    return packet;
  };

  test('a pad before an option is one byte', () => {
    const { options: read } = decodePacket(options(0, 0, 53, 1, 1, 0, 12, 2, 104, 105, 255));
    expect([...read]).toEqual([
      [53, Uint8Array.of(1)],
      [12, Uint8Array.of(104, 105)],
    ]);
  });

  test('parts of one option are joined (RFC 3396)', () => {
    expect(decodePacket(options(43, 1, 7, 53, 1, 1, 43, 2, 8, 9, 255)).options.get(43)).toEqual(Uint8Array.of(7, 8, 9));
  });

  test('overloaded fields are read after the options, file before sname (RFC 2131 section 4.1)', () => {
    const bytes = options(52, 1, 3, 43, 1, 1, 255);
    bytes.set([43, 1, 3, 255], 44);
    bytes.set([43, 1, 2, 255], 108);
    const packet = decodePacket(bytes);
    expect(packet.options.get(43)).toEqual(Uint8Array.of(1, 2, 3));
    expect([packet.sname, packet.file]).toEqual(['', '']);
  });

  test('options without an end are taken as far as they go', () => {
    expect(decodePacket(options(...Array.from({ length: 20 }, () => [12, 1, 65]).flat())).options.get(12)).toHaveLength(
      20,
    );
  });

  test.each([
    ['too short', new Uint8Array(239), /239 bytes/],
    ['no cookie', new Uint8Array(300), /magic cookie/],
    ['an option that runs past the end', options(...Array.from({ length: 59 }, () => 0), 12), /option 12 runs past/],
  ])('%s is malformed', (_, bytes, message) => {
    expect(() => decodePacket(bytes)).toThrow(MalformedError);
    expect(() => decodePacket(bytes)).toThrow(message);
  });

  test.each([
    [0, 3, /op 3/],
    [2, 17, /hlen 17/],
  ])('byte %i with value %i is malformed', (at, value, message) => {
    const bytes = options();
    bytes[at] = value;
    expect(() => decodePacket(bytes)).toThrow(message);
  });

  test('hardware addresses of other lengths keep their length (RFC 4390: none at all)', () => {
    for (const chaddr of [new Uint8Array(), Uint8Array.of(1), new Uint8Array(16).fill(9)]) {
      const packet = makePacket({ htype: 32, chaddr });
      expect(decodePacket(encodePacket(packet).bytes)).toMatchObject({ htype: 32, chaddr });
    }
  });
});

describe('writing', () => {
  test('puts 53 first, 82 last, an end, and pads to 300 bytes', () => {
    const { bytes } = encodePacket(makePacket({ options: { 82: [1, 1, 5], 12: [65], 53: [2] } }));
    expect(bytes).toHaveLength(300);
    expect([...bytes.subarray(240, 253)]).toEqual([53, 1, 2, 12, 1, 65, 82, 3, 1, 1, 5, 255, 0]);
  });

  test('splits values over 255 bytes (RFC 3396)', () => {
    const { bytes } = encodePacket(makePacket({ options: { 43: new Array<number>(300).fill(7) } }), 1472);
    expect([bytes[240], bytes[241], bytes[242 + 255], bytes[243 + 255]]).toEqual([43, 255, 43, 45]);
  });

  test('moves what has no room into file and sname, and says so in option 52', () => {
    const big = (length: number) => new Array<number>(length).fill(1);
    const { bytes, omitted } = encodePacket(
      makePacket({ options: { 53: [5], 43: big(250), 128: big(100), 129: big(50) } }),
    );
    expect(omitted).toEqual([]);
    expect(bytes).toHaveLength(499);
    expect([...bytes.subarray(243, 246)]).toEqual([52, 1, 3]);
    expect([bytes[44], bytes[108]]).toEqual([129, 128]);
  });

  test('leaves out what has no room at all, and names it', () => {
    const { omitted } = encodePacket(makePacket({ options: { 53: [5], 43: new Array<number>(400).fill(1) } }));
    expect(omitted).toEqual([43]);
  });
});

test.each([
  [undefined, 548],
  [u16(300), 548],
  [u16(1472), 1444],
  [u16(65_535), 1472],
  [textBytes('x'), 548],
])('a client whose option 57 is %p takes %i bytes of payload', (value, expected) => {
  const options = new Map(value === undefined ? [] : [[optionCode.maximumSize, value] as const]);
  expect(replyLimit({ ...makePacket({}), options })).toBe(expected);
});

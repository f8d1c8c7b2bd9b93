import fc from 'fast-check';
import { formatPlusPacket, parseIpmiRequest, parseLanPacket } from '../../../src/lab/simbmc/rmcp.ts';
import { cipherSuites, deriveKeys } from '../../../src/lab/simbmc/session.ts';

const bytes = (length: number, value = 7) => Buffer.alloc(length, value);

test.each(cipherSuites)('suite $id: what is encrypted and signed is read back', (suite) => {
  const keys = deriveKeys({
    suite,
    consoleId: bytes(4),
    bmcId: bytes(4),
    consoleRandom: bytes(16),
    bmcRandom: bytes(16),
    guid: bytes(16),
    role: bytes(3),
    password: 'secret',
  });
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), (data) => {
      const packet = formatPlusPacket({
        type: 0,
        sessionId: 9,
        sequence: 1,
        payload: keys.encrypt(Buffer.from(data)),
        encrypted: true,
        sign: keys.sign,
      });
      const read = parseLanPacket(packet, suite.signatureLength);
      if (read?.form !== '2.0') throw new Error('not read');
      expect(keys.isSigned(read.covered, read.signature)).toBe(true);
      expect(keys.decrypt(read.payload)).toEqual(Buffer.from(data));
      expect(keys.isSigned(Buffer.concat([read.covered, bytes(1)]), read.signature)).toBe(false);
    }),
  );
});

test('garbage is no packet and never throws', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 80 }), fc.boolean(), (data, plausible) => {
      const packet = Buffer.from(plausible ? [6, 0, 0xff, 7, 6, ...data] : data);
      parseLanPacket(packet, 12);
      parseIpmiRequest(packet);
    }),
  );
  expect(parseLanPacket(bytes(40), 12)).toBeUndefined();
});

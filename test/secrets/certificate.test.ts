import { createPrivateKey, X509Certificate } from 'node:crypto';
import { selfSigned } from '../../src/secrets/certificate.ts';

const from = new Date('2026-11-21T19:03:04.567Z');

function make(until: Date) {
  const identity = selfSigned({
    dnsNames: ['localhost', 'rack.example.com'],
    addresses: ['127.0.0.1', '172.31.128.1'],
    from,
    until,
  });
  return { identity, certificate: new X509Certificate(identity.cert) };
}

test('a certificate for its names and addresses, signed with its own key', () => {
  const { identity, certificate } = make(new Date('2036-11-21T19:03:04Z'));
  expect(certificate.verify(certificate.publicKey)).toBe(true);
  expect(certificate.checkPrivateKey(createPrivateKey(identity.key))).toBe(true);
  expect(certificate.checkIssued(certificate)).toBe(true);
  expect(certificate.checkHost('rack.example.com')).toBe('rack.example.com');
  expect(certificate.checkHost('other.example.com')).toBeUndefined();
  expect(certificate.checkIP('172.31.128.1')).toBe('172.31.128.1');
  expect(certificate.checkIP('172.31.128.2')).toBeUndefined();
  expect(certificate.ca).toBe(false);
});

test.each(['2036-11-21T19:03:04.000Z', '2049-12-31T23:59:59.000Z', '2050-01-01T00:00:00.000Z'])(
  'it is valid from the second that it was made until %s',
  (until) => {
    const { certificate } = make(new Date(until));
    expect(certificate.validFromDate.toISOString()).toBe('2026-11-21T19:03:04.000Z');
    expect(certificate.validToDate.toISOString()).toBe(until);
  },
);

test('two are never the same', () => {
  const until = new Date('2036-11-21T19:03:04Z');
  const numbers = Array.from({ length: 20 }, () => make(until).certificate.serialNumber);
  expect(new Set(numbers).size).toBe(20);
  for (const number of numbers) expect(number).toMatch(/^[4-7][0-9A-F]{31}$/);
});

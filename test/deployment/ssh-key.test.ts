import { generateKeyPairSync } from 'node:crypto';
import fc from 'fast-check';
import { publicKeyProblem } from '../../src/deployment/ssh-key.ts';

const field = (bytes: Uint8Array | string): Buffer => {
  const body = Buffer.from(bytes);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(body.length);
  return Buffer.concat([length, body]);
};
const key = (type: string, ...fields: (Uint8Array | string)[]): string =>
  `${type} ${Buffer.concat([type, ...fields].map(field)).toString('base64')} ops@example`;
const rsa = (bits: number): string => {
  const { n = '', e = '' } = generateKeyPairSync('rsa', { modulusLength: bits }).publicKey.export({ format: 'jwk' });
  return key('ssh-rsa', Buffer.from(e, 'base64url'), Buffer.concat([Buffer.of(0), Buffer.from(n, 'base64url')]));
};
const point = (bytes: number): Buffer => Buffer.concat([Buffer.of(4), Buffer.alloc(bytes - 1, 7)]);
const pk = Buffer.alloc(32, 9);
const ed25519 = key('ssh-ed25519', pk);

test.each([
  ['ed25519', ed25519],
  ['ed25519 without a comment', ed25519.replace(' ops@example', '')],
  ['rsa of 2048 bits', rsa(2048)],
  ['ecdsa 256', key('ecdsa-sha2-nistp256', 'nistp256', point(65))],
  ['ecdsa 384', key('ecdsa-sha2-nistp384', 'nistp384', point(97))],
  ['ecdsa 521', key('ecdsa-sha2-nistp521', 'nistp521', point(133))],
  ['a security key', key('sk-ssh-ed25519@openssh.com', pk, 'ssh:')],
  ['a security key of the other kind', key('sk-ecdsa-sha2-nistp256@openssh.com', 'nistp256', point(65), 'ssh:')],
])('%s is a key', (_, text) => {
  expect(publicKeyProblem(text)).toBeUndefined();
});

test.each([
  ['nothing', '', 'must begin with one of ssh-ed25519'],
  ['a private key', '-----BEGIN OPENSSH PRIVATE KEY-----\nabc\n', 'is a private key'],
  ['a path', '/root/.ssh/id_ed25519.pub', 'must begin with one of'],
  ['DSA', 'ssh-dss AAAAB3NzaC1kc3MAAACB', 'must begin with one of'],
  ['options in front', `no-pty ${ed25519}`, 'must begin with one of'],
  ['two keys', `${ed25519}\n${ed25519}`, 'must be one line'],
  ['no base64', 'ssh-ed25519 ???', 'must have base64'],
  ['a type alone', 'ssh-ed25519', 'must have base64'],
  ['another type inside', ed25519.replace('ssh-ed25519 ', 'ssh-rsa '), 'the key after it is of another type'],
  ['a short key', key('ssh-ed25519', pk.subarray(1)), 'expected 32 bytes'],
  ['bytes behind', key('ssh-ed25519', pk, 'x'), '5 bytes too many'],
  ['a small modulus', key('ssh-rsa', Buffer.of(1, 0, 1), Buffer.alloc(64, 0x80)), 'it has 512 bits'],
  ['another curve', key('ecdsa-sha2-nistp256', 'nistp384', point(97)), 'expected the curve nistp256'],
  ['a compressed point', key('ecdsa-sha2-nistp256', 'nistp256', Buffer.alloc(33, 2)), 'expected a point of 65 bytes'],
  ['no application', key('sk-ssh-ed25519@openssh.com', pk), 'expected the name of an application'],
])('%s is none', (_, text, problem) => {
  expect(publicKeyProblem(text)).toContain(problem);
});

test('what is wrong with a key never shows the key', () => {
  expect(publicKeyProblem('-----BEGIN RSA PRIVATE KEY-----\nMIIEsecret')).not.toContain('secret');
});

test('a key that lost its end is none, wherever it was cut', () => {
  const whole = rsa(2048).split(' ')[1] ?? '';
  fc.assert(
    fc.property(fc.integer({ min: 0, max: whole.length - 1 }), (length) => {
      expect(publicKeyProblem(`ssh-rsa ${whole.slice(0, length)}`)).toBeDefined();
    }),
  );
});

test('no text makes it fail', () => {
  fc.assert(
    fc.property(fc.string(), fc.base64String(), (text, base64) => {
      expect(() => [publicKeyProblem(text), publicKeyProblem(`ssh-rsa ${base64}`)]).not.toThrow();
    }),
  );
});

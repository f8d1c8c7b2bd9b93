import { createHash, generateKeyPairSync, sign, X509Certificate, type KeyObject } from 'node:crypto';
import { ipv4ToBytes, type Ipv4 } from '../net/address.ts';

/** What a TLS listener shows and proves, both as PEM. */
export interface TlsIdentity {
  /** The certificate, and those between it and its root if there are any. */
  readonly cert: string;
  readonly key: string;
}

export interface CertificateRequest {
  readonly dnsNames: readonly string[];
  readonly addresses: readonly Ipv4[];
  readonly from: Date;
  readonly until: Date;
}

/** Makes a P-256 key with a certificate that it signs itself (RFC 5280), for a TLS server that was given none. */
export function selfSigned(request: CertificateRequest): TlsIdentity {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const signed = toBeSigned(request, publicKey);
  const signature = sign('sha256', signed, privateKey);
  const der = sequence(signed, ecdsaWithSha256, tagged(0x03, Buffer.of(0), signature));
  return {
    cert: new X509Certificate(der).toString(),
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  };
}

/** DER (X.690): a tag, the length, the contents. */
function tagged(tag: number, ...contents: readonly Uint8Array[]): Buffer {
  const body = Buffer.concat(contents);
  if (body.length < 0x80) return Buffer.concat([Buffer.of(tag, body.length), body]);
  const length = Buffer.alloc(2);
  length.writeUInt16BE(body.length);
  return Buffer.concat([Buffer.of(tag, 0x82), length, body]);
}

const sequence = (...contents: readonly Uint8Array[]): Buffer => tagged(0x30, ...contents);
const objectId = (hex: string): Buffer => tagged(0x06, Buffer.from(hex, 'hex'));

/** 1.2.840.10045.4.3.2 */
const ecdsaWithSha256 = sequence(objectId('2a8648ce3d040302'));
/** 2.5.29.19 basicConstraints, 2.5.29.17 subjectAltName, 2.5.29.37 extKeyUsage, 1.3.6.1.5.5.7.3.1 serverAuth, 2.5.4.3 commonName */
const ids = {
  basicConstraints: objectId('551d13'),
  subjectAltName: objectId('551d11'),
  extKeyUsage: objectId('551d25'),
  serverAuth: objectId('2b06010505070301'),
  commonName: objectId('550403'),
};

function toBeSigned({ dnsNames, addresses, from, until }: CertificateRequest, publicKey: KeyObject): Buffer {
  const spki = publicKey.export({ type: 'spki', format: 'der' });
  const name = sequence(tagged(0x31, sequence(ids.commonName, tagged(0x0c, Buffer.from('Rackwright')))));
  const altNames = sequence(
    ...dnsNames.map((dns) => tagged(0x82, Buffer.from(dns, 'latin1'))),
    ...addresses.map((address) => tagged(0x87, ipv4ToBytes(address))),
  );
  const extension = (id: Buffer, value: Buffer): Buffer => sequence(id, tagged(0x04, value));
  return sequence(
    tagged(0xa0, tagged(0x02, Buffer.of(2))),
    serialNumber(spki),
    ecdsaWithSha256,
    name,
    sequence(time(from), time(until)),
    name,
    spki,
    tagged(
      0xa3,
      sequence(
        extension(ids.basicConstraints, sequence()),
        extension(ids.extKeyUsage, sequence(ids.serverAuth)),
        extension(ids.subjectAltName, altNames),
      ),
    ),
  );
}

/** From the key, which is new for each certificate: positive, and no leading zeros. */
function serialNumber(spki: Uint8Array): Buffer {
  const digest = createHash('sha256').update(spki).digest().subarray(0, 16);
  digest[0] = ((digest[0] ?? 0) & 0x3f) | 0x40;
  return tagged(0x02, digest);
}

/** UTCTime through 2049, GeneralizedTime from then on (RFC 5280 section 4.1.2.5). */
function time(date: Date): Buffer {
  const digits = date.toISOString().replace(/[-:T]|\.\d+/g, '');
  return date.getUTCFullYear() < 2050 ? tagged(0x17, Buffer.from(digits.slice(2))) : tagged(0x18, Buffer.from(digits));
}

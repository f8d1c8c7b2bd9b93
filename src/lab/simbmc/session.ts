import { createCipheriv, createDecipheriv, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';

/** Keys of an RMCP+ session and the RAKP exchange that makes them (IPMI 2.0 sections 13.17 to 13.33). */

/** What a cipher suite means (table 22-20). Suites without encryption are not offered. */
export interface CipherSuite {
  readonly id: number;
  readonly hash: 'sha1' | 'sha256';
  /** Algorithm numbers of authentication, integrity, confidentiality. */
  readonly algorithms: readonly [number, number, number];
  /** Bytes of a packet's signature, and of RAKP message 4. */
  readonly signatureLength: number;
}

export const cipherSuites: readonly CipherSuite[] = [
  { id: 3, hash: 'sha1', algorithms: [1, 1, 1], signatureLength: 12 },
  { id: 17, hash: 'sha256', algorithms: [3, 4, 1], signatureLength: 16 },
];

/** What both sides said in the exchange. */
export interface Exchange {
  readonly suite: CipherSuite;
  readonly consoleId: Buffer;
  readonly bmcId: Buffer;
  readonly consoleRandom: Buffer;
  readonly bmcRandom: Buffer;
  readonly guid: Buffer;
  /** Requested privilege, length and text of the user's name, as they came. */
  readonly role: Buffer;
  readonly password: string;
}

export interface SessionKeys {
  /** Key exchange authentication code of RAKP message 2. */
  readonly rakp2: Buffer;
  /** What RAKP message 3 must carry. */
  readonly rakp3: Buffer;
  readonly rakp4: Buffer;
  readonly sign: (covered: Buffer) => Buffer;
  isSigned(covered: Buffer, signature: Buffer): boolean;
  encrypt(payload: Buffer): Buffer;
  /** Undefined where the payload is not ours. */
  decrypt(payload: Buffer): Buffer | undefined;
}

export function deriveKeys(exchange: Exchange): SessionKeys {
  const { suite, consoleId, bmcId, consoleRandom, bmcRandom, guid, role, password } = exchange;
  const hmac = (key: Buffer, ...parts: Buffer[]): Buffer =>
    createHmac(suite.hash, key).update(Buffer.concat(parts)).digest();
  // IPMI 2.0 keeps 20 bytes of a password, padded with NULs.
  const userKey = Buffer.alloc(20);
  userKey.write(password, 'latin1');
  const sessionKey = hmac(userKey, consoleRandom, bmcRandom, role);
  const integrityKey = hmac(sessionKey, Buffer.alloc(20, 1));
  const cipherKey = hmac(sessionKey, Buffer.alloc(20, 2)).subarray(0, 16);
  const sign = (covered: Buffer): Buffer => hmac(integrityKey, covered).subarray(0, suite.signatureLength);
  return {
    rakp2: hmac(userKey, consoleId, bmcId, consoleRandom, bmcRandom, guid, role),
    rakp3: hmac(userKey, bmcRandom, consoleId, role),
    rakp4: hmac(sessionKey, consoleRandom, bmcId, guid).subarray(0, suite.signatureLength),
    sign,
    isSigned: (covered, signature) => equal(sign(covered), signature),
    encrypt: (payload) => encrypt(cipherKey, payload),
    decrypt: (payload) => decrypt(cipherKey, payload),
  };
}

export function equal(ours: Buffer, theirs: Buffer): boolean {
  return ours.length === theirs.length && timingSafeEqual(ours, theirs);
}

/** AES-CBC-128 with the pad of section 13.29: bytes 1, 2, 3, ... and their number. */
function encrypt(key: Buffer, payload: Buffer): Buffer {
  const iv = randomBytes(16);
  const pad = (16 - ((payload.length + 1) % 16)) % 16;
  const trailer = Buffer.from([...Array.from({ length: pad }, (_, index) => index + 1), pad]);
  const cipher = createCipheriv('aes-128-cbc', key, iv).setAutoPadding(false);
  return Buffer.concat([iv, cipher.update(payload), cipher.update(trailer), cipher.final()]);
}

function decrypt(key: Buffer, payload: Buffer): Buffer | undefined {
  if (payload.length < 32 || payload.length % 16 !== 0) return undefined;
  const decipher = createDecipheriv('aes-128-cbc', key, payload.subarray(0, 16)).setAutoPadding(false);
  const plain = Buffer.concat([decipher.update(payload.subarray(16)), decipher.final()]);
  const pad = plain.at(-1) ?? 0;
  return pad + 1 > plain.length ? undefined : plain.subarray(0, plain.length - 1 - pad);
}

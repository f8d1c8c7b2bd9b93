/** Public keys as `ssh-keygen` writes them and `authorized_keys` takes them (RFC 4253 section 6.6, RFC 5656, RFC 8709). */

/** Elliptic curve -> bytes of an uncompressed point (SEC 1, 2.3.3). */
const pointBytes: Readonly<Record<string, number>> = { nistp256: 65, nistp384: 97, nistp521: 133 };
const rsaBits = { least: 1024, most: 16_384 };

/** The fields of a key after its type; undefined where one is missing or cut off. */
type FieldReader = () => Uint8Array | undefined;
/** What is wrong with the fields; undefined: nothing. */
type KeyCheck = (next: FieldReader) => string | undefined;

const keyChecks: Readonly<Record<string, KeyCheck>> = {
  'ssh-ed25519': ed25519,
  'ssh-rsa': rsa,
  'ecdsa-sha2-nistp256': ecdsa('nistp256'),
  'ecdsa-sha2-nistp384': ecdsa('nistp384'),
  'ecdsa-sha2-nistp521': ecdsa('nistp521'),
  'sk-ssh-ed25519@openssh.com': (next) => ed25519(next) ?? application(next),
  'sk-ecdsa-sha2-nistp256@openssh.com': (next) => ecdsa('nistp256')(next) ?? application(next),
};

/**
 * Why a text is no public key that OpenSSH takes, in words that fit after the name of the field; undefined: it is one.
 * Never repeats the text: it may be a private key.
 */
export function publicKeyProblem(text: string): string | undefined {
  if (text.includes('PRIVATE KEY-----')) return 'is a private key: give the public one (the file that ends in .pub)';
  if (/[\r\n]/.test(text.trim())) return 'must be one line: give one key in each entry';
  const [type = '', base64 = ''] = text.trim().split(/[ \t]+/);
  const check = Object.hasOwn(keyChecks, type) ? keyChecks[type] : undefined;
  if (!check) return `must begin with one of ${Object.keys(keyChecks).join(', ')}, then the key in base64`;
  const bytes = decodeBase64(base64);
  if (!bytes) return `must have base64 after ${type}`;
  const { next, rest } = readFields(bytes);
  const inner = next();
  if (!inner || new TextDecoder('latin1').decode(inner) !== type) {
    return `says ${type}, but the key after it is of another type, or cut off`;
  }
  const problem = check(next);
  if (problem !== undefined) return `is no ${type} key: ${problem}`;
  return rest() === 0 ? undefined : `is no ${type} key: there are ${rest()} bytes too many`;
}

function ed25519(next: FieldReader): string | undefined {
  return next()?.length === 32 ? undefined : 'expected 32 bytes of key';
}

function ecdsa(curve: string): KeyCheck {
  return (next) => {
    const name = next();
    if (!name || new TextDecoder('latin1').decode(name) !== curve) return `expected the curve ${curve}`;
    const point = next();
    const isPoint = point?.length === pointBytes[curve] && point?.[0] === 4;
    return isPoint ? undefined : `expected a point of ${pointBytes[curve] ?? 0} bytes`;
  };
}

function rsa(next: FieldReader): string | undefined {
  const [exponent, modulus] = [next(), next()];
  if (!exponent || exponent.length === 0 || !modulus) return 'expected an exponent and a modulus';
  const bits = bitLength(modulus);
  if (bits >= rsaBits.least && bits <= rsaBits.most) return undefined;
  return `it has ${bits} bits, expected ${rsaBits.least} to ${rsaBits.most}`;
}

/** What a security key was registered for; `ssh:` mostly. */
function application(next: FieldReader): string | undefined {
  return (next()?.length ?? 0) > 0 ? undefined : 'expected the name of an application';
}

/** Bits of a multiple precision integer (RFC 4251 section 5). */
function bitLength(integer: Uint8Array): number {
  const first = integer.findIndex((byte) => byte !== 0);
  if (first < 0) return 0;
  return (integer.length - first) * 8 - (Math.clz32(integer[first] ?? 0) - 24);
}

function readFields(bytes: Uint8Array): { next: FieldReader; rest: () => number } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  const next = (): Uint8Array | undefined => {
    if (at + 4 > bytes.length) return undefined;
    const length = view.getUint32(at);
    if (at + 4 + length > bytes.length) return undefined;
    at += 4 + length;
    return bytes.subarray(at - length, at);
  };
  return { next, rest: () => bytes.length - at };
}

/** Strict base64 (RFC 4648 section 4); undefined where it is not. */
function decodeBase64(text: string): Uint8Array | undefined {
  const isBase64 = text !== '' && text.length % 4 === 0 && /^[A-Za-z0-9+/]+={0,2}$/.test(text);
  return isBase64 ? Buffer.from(text, 'base64') : undefined;
}

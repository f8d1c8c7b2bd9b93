import { createHash, randomBytes, randomInt, timingSafeEqual } from 'node:crypto';

const lower = 'abcdefghijklmnopqrstuvwxyz';
const upper = lower.toUpperCase();
const digits = '0123456789';

/** A new secret of `bytes` random bytes (at least 16) as base64url: fit for URLs, headers and file names. */
export function newToken(bytes = 32): string {
  if (bytes < 16) throw new RangeError('a token has at least 16 bytes');
  return randomBytes(bytes).toString('base64url');
}

/** SHA-256, hexadecimal: what the store keeps of a token, so that a copy of the store opens nothing. */
export function hashToken(token: string): string {
  return createHash('sha256').update(token, 'utf8').digest('hex');
}

/** Whether `hash` is the token's, in a time that does not tell where the two differ. */
export function tokenMatches(token: string, hash: string): boolean {
  const [ours, theirs] = [Buffer.from(hashToken(token)), Buffer.from(hash)];
  return ours.length === theirs.length && timingSafeEqual(ours, theirs);
}

/**
 * A password that every BMC we know accepts: 16 characters, because IPMI 1.5 keeps 16 bytes and 2.0 keeps 20 (IPMI 2.0,
 * 22.30); letters and digits only, because some firmwares refuse or mangle anything else; at least one lower-case
 * letter, one upper-case letter and one digit, because others enforce that. About 95 bits.
 */
export function newBmcPassword(): string {
  const all = lower + upper + digits;
  const pick = (from: string): string => from.charAt(randomInt(from.length));
  for (;;) {
    const password = Array.from({ length: 16 }, () => pick(all)).join('');
    if (/[a-z]/.test(password) && /[A-Z]/.test(password) && /\d/.test(password)) return password;
  }
}

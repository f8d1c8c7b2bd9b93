import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { RackwrightError } from '../errors.ts';
import { type Keyring, openKeyring } from './keyring.ts';

/** Keeps secrets at rest: AES-256-GCM under the newest key, as `sealed:v1:<key id>:<base64 of iv, tag, text>`. */
export interface Sealer {
  seal(plain: string): string;
  /**
   * The text that was sealed.
   *
   * @throws RackwrightError `secret-key-missing` if its key is not in the key file; `secret-unreadable` if it is no
   * sealed text or was altered.
   */
  open(sealed: string): string;
  /** The same secret under the newest key; the very text where it has that key already. Throws as `open`. */
  reseal(sealed: string): string;
}

const sealedForm = /^(sealed:v1:([0-9a-f]{8})):([A-Za-z0-9+/]+={0,2})$/;
const ivBytes = 12;
const tagBytes = 16;

/** Whether the text has the form of a sealed secret. Does not say that it can be opened. */
export function isSealed(text: string): boolean {
  return sealedForm.test(text);
}

/** A sealer over the keys of a ring. */
export function sealerOf(ring: Keyring): Sealer {
  const keys = new Map(ring.keys.map(({ id, key }) => [id, Buffer.from(key, 'base64')]));
  const newestId = ring.keys.at(-1)?.id ?? '';

  const keyOf = (id: string): Buffer => {
    const key = keys.get(id);
    if (key) return key;
    throw new RackwrightError(
      'secret-key-missing',
      `a secret was sealed with key ${id}, which is not in ${ring.file}: restore that file from your backup, or enter the secret again`,
    );
  };

  const seal = (plain: string): string => {
    const prefix = `sealed:v1:${newestId}`;
    const iv = randomBytes(ivBytes);
    const cipher = createCipheriv('aes-256-gcm', keyOf(newestId), iv);
    // The key's id is part of what is authenticated: a text cannot be passed off as another key's.
    cipher.setAAD(Buffer.from(prefix));
    const text = Buffer.concat([cipher.update(plain, 'utf8'), cipher.final()]);
    return `${prefix}:${Buffer.concat([iv, cipher.getAuthTag(), text]).toString('base64')}`;
  };

  const open = (sealed: string): string => {
    const [, prefix = '', id = '', body = ''] = sealedForm.exec(sealed) ?? [];
    const bytes = Buffer.from(body, 'base64');
    if (bytes.length < ivBytes + tagBytes) throw new RackwrightError('secret-unreadable', 'this is no sealed secret');
    const key = keyOf(id);
    try {
      const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, ivBytes), { authTagLength: tagBytes });
      decipher.setAAD(Buffer.from(prefix));
      decipher.setAuthTag(bytes.subarray(ivBytes, ivBytes + tagBytes));
      return Buffer.concat([decipher.update(bytes.subarray(ivBytes + tagBytes)), decipher.final()]).toString('utf8');
    } catch (cause) {
      throw new RackwrightError('secret-unreadable', 'a sealed secret was altered: enter it again', { cause });
    }
  };

  const reseal = (sealed: string): string => (sealedForm.exec(sealed)?.[2] === newestId ? sealed : seal(open(sealed)));

  return { seal, open, reseal };
}

/** The sealer over `keyFile`, which is made at the first start. Throws as `openKeyring`. */
export async function createSealer(keyFile: string, now: Date): Promise<Sealer> {
  return sealerOf(await openKeyring(keyFile, now));
}

import { randomBytes, X509Certificate } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join, resolve } from 'node:path';
import { createSecureContext } from 'node:tls';
import type { Config } from '../config-schema.ts';
import { InputError } from '../errors.ts';
import type { Log } from '../log.ts';
import { isIpv4 } from '../net/address.ts';
import { selfSigned, type TlsIdentity } from '../secrets/certificate.ts';

/** Nobody renews what the server made for itself; who wants more gives a certificate. */
const ownYears = 10;

export interface AdminTlsDeps {
  readonly admin: Config['admin'];
  readonly dataDir: string;
  readonly log: Log;
  readonly now: () => Date;
}

/**
 * The identity of the admin listener: the files that the configuration names, or one that the server makes at its first
 * start and keeps in the data directory. Throws an InputError naming the option whose file is not what it should be.
 */
export async function adminIdentity(deps: AdminTlsDeps): Promise<TlsIdentity> {
  const { tlsCert, tlsKey } = deps.admin;
  if (tlsCert === undefined || tlsKey === undefined) return await ownIdentity(deps);
  const [cert, key] = await Promise.all([readPem('admin.tlsCert', tlsCert), readPem('admin.tlsKey', tlsKey)]);
  try {
    createSecureContext({ cert, key });
  } catch (cause) {
    throw new InputError('admin.tlsKey', `expected the key of the certificate in ${tlsCert}, both as PEM`, { cause });
  }
  return { cert, key };
}

async function readPem(field: string, path: string): Promise<string> {
  return await readFile(resolve(path), 'utf8').catch((cause: unknown) => {
    throw new InputError(field, `expected a PEM file, and ${path} cannot be read`, { cause });
  });
}

/** Key and certificate are one file, so that never one of two is lost. */
async function ownIdentity({ admin, dataDir, log, now }: AdminTlsDeps): Promise<TlsIdentity> {
  const file = join(dataDir, 'tls', 'admin.pem');
  const kept = await readFile(file, 'utf8').catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  });
  const identity = kept === undefined ? await makeOwn(file, { admin, now }) : { cert: kept, key: kept };
  const { fingerprint256 } = new X509Certificate(identity.cert);
  log.info({ event: 'admin.certificate', file, fingerprint256 }, "admin: TLS with the server's own certificate");
  return identity;
}

async function makeOwn(file: string, { admin, now }: Pick<AdminTlsDeps, 'admin' | 'now'>): Promise<TlsIdentity> {
  const from = now();
  const until = new Date(from);
  until.setUTCFullYear(from.getUTCFullYear() + ownYears);
  const own = isIpv4(admin.address) && admin.address !== '0.0.0.0' ? [admin.address] : [];
  const made = selfSigned({
    dnsNames: [...new Set(['localhost', hostname(), ...admin.hosts.filter((name) => !isIpv4(name))])],
    addresses: [...new Set(['127.0.0.1', ...own, ...admin.hosts.filter(isIpv4)])],
    from,
    until,
  });
  await mkdir(join(file, '..'), { recursive: true, mode: 0o700 });
  const temporary = `${file}.${randomBytes(6).toString('hex')}.new`;
  await writeFile(temporary, made.cert + made.key, { mode: 0o600, flush: true });
  await rename(temporary, file);
  return made;
}

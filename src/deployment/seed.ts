import { stringify } from 'yaml';
import type { Mac } from '../net/mac.ts';
import { userDataType } from './user-data.ts';

/**
 * The documents of cloud-init's NoCloud data source (cloud-init's documentation, "Datasources: NoCloud"): what a
 * deployed system is told at its first boot.
 */

export interface SeedInput {
  /** cloud-init does its work once for each. */
  readonly deploymentId: string;
  readonly hostname: string;
  readonly domain?: string | undefined;
  readonly users: readonly SeedUser[];
  /** The operator's own, as it was given. */
  readonly userData?: string | undefined;
  /** The port that the machine boots from; without it cloud-init takes the first that has a link. */
  readonly mac?: Mac | undefined;
  /** Where the node reaches its deployment: `http://server:9080/deploy/<token>`. */
  readonly url: string;
  /** The text of phone-home.sh. */
  readonly phoneHome: string;
  /** The seed is fetched from `url` at the first boot, and is not to be had at later ones. */
  readonly fetched: boolean;
}

export interface SeedUser {
  readonly name: string;
  readonly authorizedKeys: readonly string[];
  readonly passwordHash?: string | undefined;
}

export const seedNames = ['meta-data', 'user-data', 'vendor-data', 'network-config'] as const;
export type SeedName = (typeof seedNames)[number];
export type Seed = Readonly<Record<SeedName, string>>;

/** The whole seed, as it is served, and as it stands on the disk with `seed: disk`. */
export function seedOf(input: SeedInput): Seed {
  return {
    'meta-data': yaml({ 'instance-id': input.deploymentId, 'local-hostname': input.hostname }),
    'user-data': userData(input),
    'vendor-data': input.phoneHome.replaceAll('@URL@', () => `${input.url}/phone-home`),
    'network-config': networkConfig(input.mac),
  };
}

/** What stands on the disk with `seed: network`: where the rest is. cloud-init puts the documents' names behind it. */
export function pointerSeed(input: SeedInput): Seed {
  const metaData = {
    'instance-id': input.deploymentId,
    'local-hostname': input.hostname,
    seedfrom: `${input.url}/seed/`,
  };
  return {
    'meta-data': yaml(metaData),
    'user-data': '',
    'vendor-data': '',
    'network-config': networkConfig(input.mac),
  };
}

/** YAML 1.1, which cloud-init reads, with every text in quotes: nothing is taken for a number or a truth value. */
function yaml(value: unknown): string {
  return stringify(value, { version: '1.1', lineWidth: 0, defaultStringType: 'QUOTE_DOUBLE', defaultKeyType: 'PLAIN' });
}

function userData(input: SeedInput): string {
  const ours = `#cloud-config\n${yaml(cloudConfig(input))}`;
  return input.userData === undefined ? ours : together(input.userData, ours);
}

function cloudConfig({ hostname, domain, users, fetched }: SeedInput): Record<string, unknown> {
  const system = {
    hostname,
    ...(domain === undefined ? {} : { fqdn: `${hostname}.${domain}` }),
    manage_etc_hosts: 'localhost',
    // cloud-init keeps what it learned at the first boot. It would take the machine for a new one otherwise, when the
    // second boot finds no seed, and make new host keys.
    ...(fetched ? { manual_cache_clean: true } : {}),
  };
  // Images have their own ideas of a default user, and of passwords.
  if (users.length === 0) return system;
  const access = {
    ssh_pwauth: users.some(({ passwordHash }) => passwordHash !== undefined),
    ...(users.some(({ name }) => name === 'root') ? { disable_root: false } : {}),
  };
  return { ...system, ...access, users: users.map(cloudUser) };
}

function cloudUser({ name, authorizedKeys, passwordHash }: SeedUser): Record<string, unknown> {
  const privileges = name === 'root' ? {} : { shell: '/bin/bash', sudo: 'ALL=(ALL) NOPASSWD:ALL' };
  return {
    name,
    ...privileges,
    lock_passwd: passwordHash === undefined,
    ...(passwordHash === undefined ? {} : { hashed_passwd: passwordHash }),
    ...(authorizedKeys.length === 0 ? {} : { ssh_authorized_keys: authorizedKeys }),
  };
}

/** Never replaces what is there, and adds to lists: the operator's word stands, and our users are there as well. */
const mergeType = 'dict(no_replace,recurse_list)+list(append)+str()';
const boundary = '==rackwright==';

/**
 * Theirs first, ours merged into it (RFC 2046 section 5.1). A `users` list of theirs would replace ours by cloud-init's
 * own rules, and a `merge_how` of theirs would decide over a part that comes before; it has no say over a later one.
 */
function together(theirs: string, ours: string): string {
  return [
    'MIME-Version: 1.0',
    `Content-Type: multipart/mixed; boundary="${boundary}"`,
    '',
    `--${boundary}`,
    theirPart(theirs),
    `--${boundary}`,
    `X-Merge-Type: ${mergeType}`,
    textPart('text/cloud-config', 'rackwright.cfg', ours),
    `--${boundary}--`,
    '',
  ].join('\n');
}

/** A multi-part message of theirs is a part as it is; cloud-init looks into parts of parts. */
function theirPart(theirs: string): string {
  const type = userDataType(theirs) ?? 'text/plain';
  return type === 'multipart' ? theirs.trimStart() : textPart(type, 'user-data', theirs);
}

/** In base64: no line of a text can be taken for the boundary, and no byte is lost. */
function textPart(type: string, name: string, text: string): string {
  const lines =
    Buffer.from(text)
      .toString('base64')
      .match(/.{1,76}/g) ?? [];
  return [
    `Content-Type: ${type}; charset="utf-8"`,
    `Content-Disposition: attachment; filename="${name}"`,
    'Content-Transfer-Encoding: base64',
    '',
    ...lines,
  ].join('\n');
}

/** Version 2 (netplan's form): DHCP on the port that booted. Nothing, where it is not known: cloud-init then finds one. */
function networkConfig(mac: Mac | undefined): string {
  if (mac === undefined) return '';
  return yaml({ version: 2, ethernets: { boot: { match: { macaddress: mac }, dhcp4: true } } });
}

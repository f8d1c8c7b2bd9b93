import { access, open } from 'node:fs/promises';
import { constants } from 'node:fs';
import type { Isolation, LabOptions } from './options.ts';
import { ovmf } from './qemu.ts';
import { run } from './run.ts';

/** What a lab needs, with the Debian package of each: files as paths, programs as names. */
const needed: Readonly<Record<string, string>> = {
  'qemu-system-x86_64': 'qemu-system-x86',
  'qemu-img': 'qemu-utils',
  [ovmf.code]: 'ovmf',
  '/usr/share/seabios/bios-256k.bin': 'seabios',
  '/usr/lib/ipxe/qemu/efi-e1000e.rom': 'ipxe-qemu',
  ip: 'iproute2',
  nft: 'nftables',
  ipmi_sim: 'openipmi',
  sdrcomp: 'openipmi',
  ipmitool: 'ipmitool',
  dnsmasq: 'dnsmasq-base',
  curl: 'curl',
};

/** Whether virtual servers can run here, and how they are kept apart; or why not, in one line. */
export type Capability =
  { readonly ok: true; readonly isolation: Isolation } | { readonly ok: false; readonly reason: string };

/** Tries it, rather than guess: containers and kernels forbid parts of it in many ways. */
export async function findCapability(wanted: LabOptions['isolation']): Promise<Capability> {
  const packages = await missingPackages();
  if (packages.length > 0) {
    return { ok: false, reason: `missing: apt-get install --no-install-recommends ${packages.join(' ')}` };
  }
  if (!(await canOpenTun())) return { ok: false, reason: 'this user may not open /dev/net/tun' };
  if (wanted !== 'userns' && process.getuid?.() === 0 && (await works('unshare', '--net', '--mount', 'true'))) {
    return { ok: true, isolation: 'netns' };
  }
  if (wanted !== 'netns' && (await works('unshare', '--user', '--map-root-user', '--net', '--mount', 'true'))) {
    return { ok: true, isolation: 'userns' };
  }
  return { ok: false, reason: 'neither root nor a user namespace can be had' };
}

async function missingPackages(): Promise<string[]> {
  const found = await Promise.all(
    Object.entries(needed).map(async ([what, name]) => ((await exists(what)) ? undefined : name)),
  );
  return [...new Set(found.filter((name) => name !== undefined))];
}

async function exists(what: string): Promise<boolean> {
  if (!what.startsWith('/')) return await works('sh', '-c', 'command -v "$1"', 'sh', what);
  return await access(what).then(
    () => true,
    () => false,
  );
}

async function canOpenTun(): Promise<boolean> {
  const file = await open('/dev/net/tun', constants.O_RDWR).catch(() => undefined);
  await file?.close();
  return file !== undefined;
}

async function works(...argv: string[]): Promise<boolean> {
  return await run(argv).then(
    ({ code }) => code === 0,
    () => false,
  );
}

/**
 * In place of the agent: `curl | zstd | dd`, and the least that makes the system reachable with a key. The script knows the
 * disk, believes what came, and calls nobody.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { NodeIdentity } from '../../../src/lab/identity.ts';
import type { DiskBus } from '../../../src/lab/options.ts';
import type { MachineDisk } from '../../../src/lab/qemu.ts';
import { runOk } from '../../../src/lab/run.ts';
import { referenceUrl, type ReferenceChain } from './reference-chain.ts';

const device: Record<DiskBus, string> = { virtio: '/dev/vda', nvme: '/dev/nvme0n1', scsi: '/dev/sda' };

/** MiB: cloud-init's seed is a partition of this size. */
const seedMib = 1;

export interface ReferenceDeploy {
  /** Path of a disk image that zstd packed. */
  readonly image: string;
  readonly identity: NodeIdentity;
  readonly disk: MachineDisk;
  /** Where the node is to be, before and after: dnsmasq goes by its MAC. */
  readonly address: string;
  readonly user: string;
  /** A line of authorized_keys. */
  readonly publicKey: string;
  /** A folder to write the seed to, which is made. */
  readonly folder: string;
}

/** What a reference chain that deploys has to serve. */
export async function referenceDeploy(
  deploy: ReferenceDeploy,
): Promise<Pick<ReferenceChain, 'agent' | 'files' | 'dhcp'>> {
  return {
    agent: script(deploy.disk),
    files: { image: deploy.image, seed: await makeSeed(deploy) },
    // The system shows itself by another client identifier than the ramdisk, and must have the same address.
    dhcp: [`--dhcp-host=${deploy.identity.mac},${deploy.address}`, '--dhcp-ignore-clid'],
  };
}

/** Says the same words on the console as our agent, so that both are measured by the same lines. */
function script({ bus, gib }: MachineDisk): string {
  const disk = device[bus];
  const last = gib * 1024 - 1;
  return `
say() { echo "RACKWRIGHT $*"; }
say work reference/write-image
curl -fsS ${referenceUrl}/image | zstd -dcq | dd of=${disk} bs=1M conv=sparse,fsync status=none
say done reference/write-image
echo start=$((${last - seedMib} * 2048)), size=$((${seedMib} * 2048)) | sfdisk -q --append ${disk}
curl -fsS ${referenceUrl}/seed | dd of=${disk} bs=1M seek=${last - seedMib} conv=notrunc,fsync status=none
say done reference/finish-disk
say reboot
reboot -f
`;
}

/** A file system with cloud-init's seed, as `cloud-localds` would make it. */
async function makeSeed({ folder, user, publicKey, identity }: ReferenceDeploy): Promise<string> {
  mkdirSync(folder, { recursive: true });
  const file = join(folder, 'seed.img');
  const documents = {
    'meta-data': `instance-id: ${identity.serial}\nlocal-hostname: reference\n`,
    'user-data': `#cloud-config\nusers:\n  - name: ${user}\n    ssh_authorized_keys: ['${publicKey}']\n`,
  };
  const paths = Object.entries(documents).map(([name, text]) => {
    const path = join(folder, name);
    writeFileSync(path, text);
    return path;
  });
  await runOk(['mkfs.vfat', '-C', '-n', 'CIDATA', file, String(seedMib * 1024)]);
  await runOk(['mcopy', '-i', file, ...paths, '::']);
  return file;
}

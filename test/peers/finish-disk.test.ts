import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { jest } from '@jest/globals';
import { killScript, startScript, type RunningScript, type ScriptEnd } from '../support/agent-command.ts';
import type { AgentScriptName } from '../../src/workflows/tasks/agent-script.ts';
import { createDeployServer, deployToken, type DeployServer } from '../support/deploy-server.ts';
import { createLoopDisk, type LoopDisk } from '../support/loop-disk.ts';

jest.setTimeout(60_000);
const mib = 1024 * 1024;

const tables = {
  gpt: 'label: gpt\nsize=1MiB, type=21686148-6449-6E6F-744E-656564454649\nsize=4MiB, type=U\nsize=25MiB, type=L\n',
  dos: 'label: dos\nsize=4MiB, type=ef\nsize=27MiB, type=83, bootable\n',
} as const;
type Kind = keyof typeof tables;

interface Partition {
  readonly node: string;
  readonly start: number;
  readonly size: number;
}

/** The scripts that come after the writing, and the one that undoes it, on loop devices. */
describe('on a disk with an image of 32 MiB', () => {
  let server: DeployServer;
  let disk: LoopDisk;
  let dir: string;
  let scripts: RunningScript[];

  beforeAll(() => {
    for (const program of [
      'dash',
      'sfdisk',
      'sgdisk',
      'partx',
      'mkfs.vfat',
      'mkfs.ext4',
      'mcopy',
      'wipefs',
      'mdadm',
      'losetup',
    ]) {
      if (spawnSync('which', [program]).status !== 0) throw new Error(`no ${program}: make setup`);
    }
  });
  beforeEach(async () => {
    scripts = [];
    dir = mkdtempSync(join(tmpdir(), 'rwt-finish-'));
    server = createDeployServer();
    Object.assign(server.documents, {
      'meta-data': 'instance-id: "1"\n',
      'user-data': `#cloud-config\n${'# long\n'.repeat(9000)}`,
      'vendor-data': '#!/bin/sh\n',
      'network-config': '',
    });
    await server.start();
    writeFileSync(join(dir, 'identity.json'), JSON.stringify({ url: server.url() }));
  });
  afterEach(async () => {
    await Promise.all(scripts.map(killScript));
    disk.close();
    await server.kill();
    rmSync(dir, { recursive: true, force: true });
  });

  /** A disk onto which an image was written: partitions for the boot loader, the firmware and the root. */
  const written = (kind: Kind, bytes: number, filesystem = 'mkfs.ext4'): void => {
    const image = join(dir, 'image');
    execFileSync('truncate', ['-s', '32M', image]);
    execFileSync('sfdisk', ['-q', image], { input: tables[kind] });
    disk = createLoopDisk(bytes);
    execFileSync('dd', [`if=${image}`, `of=${disk.path}`, 'bs=1M', 'conv=notrunc,fsync', 'status=none']);
    execFileSync('partx', ['-u', disk.path]);
    const root = partitions().at(-1)?.node ?? '';
    execFileSync(filesystem, ['-q', root], { stdio: 'ignore' });
  };
  const partitions = (): Partition[] => {
    const { partitiontable } = JSON.parse(
      execFileSync('sfdisk', ['-J', disk.path], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }),
    ) as {
      partitiontable: { partitions?: Partition[] };
    };
    return (partitiontable.partitions ?? []).toSorted((a, b) => a.start - b.start);
  };
  const places = (): Partition[] => partitions().map(({ node, start, size }) => ({ node, start, size }));
  /**
   * Stand-ins, by mtools, where the machine's kernel may know no vfat: what is mounted is copied out, and copied back when
   * it is unmounted.
   */
  const programs = (): string => {
    const bin = join(dir, 'bin');
    mkdirSync(bin, { recursive: true });
    const mount =
      'for place; do device=${target:-} target=$place; done; echo "$device" >"$target.device"; mcopy -n -s -i "$device" "::*" "$target" 2>/dev/null; :';
    const umount =
      '[ -e "$1.device" ] || exit 1; mcopy -o -i "$(cat "$1.device")" "$1"/* :: 2>/dev/null; rm -rf "$1.device" "$1"/*';
    for (const [name, text] of Object.entries({ mount, umount }))
      writeFileSync(join(bin, name), `#!/bin/sh\n${text}\n`, { mode: 0o755 });
    return `${bin}:${process.env.PATH ?? ''}`;
  };
  const run = (name: AgentScriptName, environment: Record<string, string>): Promise<ScriptEnd> => {
    const script = startScript(name, dir, {
      RACKWRIGHT_SYS: noFirmware(),
      RACKWRIGHT_PATIENCE: '2',
      RACKWRIGHT_MOUNTED: join(dir, 'mounted'),
      PATH: programs(),
      ...environment,
    });
    scripts.push(script);
    return script.ended;
  };
  const finish = (extra: Record<string, string> = {}): Promise<ScriptEnd> =>
    run('finish-disk', {
      DEPLOY_TOKEN: deployToken,
      DISK: disk.path,
      DISK_ID: `name:${disk.name}`,
      CLOUD_INIT: 'yes',
      SEED: 'disk',
      HOSTNAME: 'web1',
      ...extra,
    });
  /** This machine's own block devices, and no UEFI: its boot entries are not ours to change. */
  const noFirmware = (): string => {
    const sys = join(dir, 'sys');
    rmSync(sys, { recursive: true, force: true });
    mkdirSync(join(sys, 'block'), { recursive: true });
    symlinkSync(`/sys/block/${disk.name}`, join(sys, 'block', disk.name));
    return sys;
  };
  const label = (node: string): string =>
    execFileSync('blkid', ['-p', '-s', 'LABEL', '-o', 'value', node], { encoding: 'utf8' }).trim();
  const document = (node: string, name: string): string =>
    execFileSync('mcopy', ['-n', '-i', node, `::${name}`, '-'], { encoding: 'utf8' });

  test.each<[Kind, number]>([
    ['gpt', 256],
    ['dos', 256],
    ['gpt', 37],
  ])('%s on %i MiB: the root grows, the seed is behind it, and all of it is found again', async (kind, size) => {
    written(kind, size * mib);
    const { code, stdout, stderr } = await finish();
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const [seed, root] = partitions().toReversed();
    expect(JSON.parse(stdout)).toEqual({ grown: root?.node, seed: seed?.node, bootEntry: '' });
    expect(seed?.size).toBe(8192);
    expect((seed?.start ?? 0) + 8192).toBeGreaterThan((size - 2) * 2048);
    expect((root?.start ?? 0) + (root?.size ?? 0)).toBe(seed?.start);
    expect(label(seed?.node ?? '')).toBe('CIDATA');
    for (const [name, text] of Object.entries(server.documents)) expect(document(seed?.node ?? '', name)).toBe(text);
    const check = spawnSync('e2fsck', ['-fn', root?.node ?? ''], { encoding: 'utf8' });
    expect(check).toMatchObject({ status: 0 });
    const blocks = /Block count: +(\d+)/.exec(
      execFileSync('dumpe2fs', ['-h', root?.node ?? ''], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }),
    )?.[1];
    expect(Number(blocks) * 1024).toBeGreaterThan((root?.size ?? 0) * 512 - mib);
    if (kind === 'gpt')
      expect(execFileSync('sgdisk', ['--verify', disk.path], { encoding: 'utf8' })).toContain('No problems found');
  });

  test('is done a second time with the same outcome', async () => {
    written('gpt', 128 * mib);
    const first = await finish();
    const before = places();
    server.documents['meta-data'] = 'instance-id: "2"\n';
    const second = await finish();
    expect({ code: second.code, stdout: second.stdout }).toEqual({ code: 0, stdout: first.stdout });
    expect(places()).toEqual(before);
    expect(document(before.at(-1)?.node ?? '', 'meta-data')).toBe('instance-id: "2"\n');
  });

  test('an image without cloud-init gets no seed, and all the room', async () => {
    written('gpt', 128 * mib);
    const { code, stdout } = await finish({ CLOUD_INIT: 'no' });
    const root = partitions().at(-1);
    expect({ code, result: JSON.parse(stdout) as unknown }).toEqual({
      code: 0,
      result: { grown: root?.node, seed: '', bootEntry: '' },
    });
    expect((root?.start ?? 0) + (root?.size ?? 0)).toBeGreaterThanOrEqual(127 * 2048);
  });

  test('the partition of a file system that grows when it is mounted grows all the same', async () => {
    written('gpt', 128 * mib, 'true');
    const root = partitions().at(-1)?.node ?? '';
    execFileSync('dd', [`of=${root}`, 'bs=1M', 'conv=notrunc,fsync', 'status=none'], { input: btrfsSuperblock() });
    const { code, stdout } = await finish();
    expect({ code, result: JSON.parse(stdout) as unknown }).toMatchObject({ code: 0, result: { grown: root } });
    expect(partitions().find(({ node }) => node === root)?.size).toBeGreaterThan(100 * 2048);
  });

  test.each<[string, () => Promise<ScriptEnd>, string]>([
    ['no room for the seed', () => (written('gpt', 33 * mib), finish()), 'no room for cloud-init'],
    ['no partition table', () => ((disk = createLoopDisk(64 * mib)), finish()), 'there is no partition table on'],
    [
      'a document that is not to be had',
      () => (written('gpt', 64 * mib), delete server.documents['user-data'], finish()),
      'the seed cannot be had: the deployment has ended',
    ],
  ])('fails in words for %s', async (_, act, words) => {
    const { code, stdout, stderr } = await act();
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toContain(words);
  });

  describe('erase-metadata', () => {
    const erase = (): Promise<ScriptEnd> => run('erase-metadata', { RACKWRIGHT_NOT_DISKS: '^(ram|zram)' });

    test.each(['gpt', 'dos'] as const)('leaves nothing of %s by which anything is found', async (kind) => {
      written(kind, 128 * mib);
      await finish();
      const starts = partitions().map(({ start }) => start * 512);
      const { code, stdout, stderr } = await erase();
      expect({ code, stderr, result: JSON.parse(stdout) as unknown }).toEqual({
        code: 0,
        stderr: '',
        result: { erased: [disk.name] },
      });
      expect(execFileSync('wipefs', ['--noheadings', disk.path], { encoding: 'utf8' })).toBe('');
      expect(spawnSync('sfdisk', ['-d', disk.path]).status).not.toBe(0);
      const bytes = disk.read();
      for (const at of [0, bytes.length - mib])
        expect(bytes.subarray(at, at + mib).every((byte) => byte === 0)).toBe(true);
      const root = bytes.subarray(starts.at(-2));
      expect(root.readUInt16LE(1024 + 56)).not.toBe(0xef53);
    });

    test('a disk that is in use is refused, and kept', async () => {
      written('gpt', 64 * mib);
      mkdirSync(join(dir, 'proc'));
      writeFileSync(join(dir, 'proc/mounts'), `${partitions().at(-1)?.node ?? ''} /data ext4 rw 0 0\n`);
      const before = partitions();
      const ended = await run('erase-metadata', {
        RACKWRIGHT_PROC: join(dir, 'proc'),
        RACKWRIGHT_NOT_DISKS: '^(ram|zram)',
      });
      expect(ended).toEqual({ code: 1, stdout: '', stderr: `${disk.path} is in use by /data\n` });
      expect(partitions()).toEqual(before);
    });
  });
});

/** As much of a superblock as blkid wants to see (util-linux, libblkid/src/superblocks). */
function btrfsSuperblock(): Buffer {
  const bytes = Buffer.alloc(mib);
  bytes.write('_BHRfS_M', 0x10040, 'latin1');
  return bytes;
}

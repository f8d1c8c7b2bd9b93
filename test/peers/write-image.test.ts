import { spawnSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { jest } from '@jest/globals';
import { killScript, startScript, type RunningScript } from '../support/agent-command.ts';
import { createDeployServer, deployToken, type DeployServer } from '../support/deploy-server.ts';
import { createLoopDisk, type LoopDisk } from '../support/loop-disk.ts';

jest.setTimeout(60_000);
const mib = 1024 * 1024;

/** 12 MiB and a bit: data, a hole, data; its first MiB tells whether it was written. */
const raw = Buffer.concat([randomBytes(3 * mib), Buffer.alloc(5 * mib), randomBytes(4 * mib + 512)]);
const zst = zstdCompressSync(raw);
const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

/** The script as the agent runs it, with this machine's dash, coreutils, util-linux, curl, zstd: onto a loop device. */
describe('write-image', () => {
  let server: DeployServer;
  let disk: LoopDisk;
  let dir: string;
  let scripts: RunningScript[];

  beforeAll(() => {
    for (const program of ['dash', 'curl', 'jq', 'zstd', 'flock', 'blkdiscard', 'losetup', 'xz']) {
      if (spawnSync('which', [program]).status !== 0) throw new Error(`no ${program}: make setup`);
    }
  });
  beforeEach(async () => {
    scripts = [];
    dir = mkdtempSync(join(tmpdir(), 'rwt-write-'));
    disk = createLoopDisk(16 * mib, 0xaa);
    server = createDeployServer();
    server.image = zst;
    await server.start();
    writeFileSync(join(dir, 'identity.json'), JSON.stringify({ url: server.url() }));
  });
  afterEach(async () => {
    await Promise.all(scripts.map(killScript));
    await server.kill();
    disk.close();
    rmSync(dir, { recursive: true, force: true });
  });

  const start = (extra: Record<string, string> = {}): RunningScript => {
    const script = startScript('write-image', dir, {
      RACKWRIGHT_PATIENCE: '3',
      DEPLOY_TOKEN: deployToken,
      DISK: disk.path,
      DISK_ID: `name:${disk.name}`,
      IMAGE_BYTES: server.image.length.toString(),
      IMAGE_SHA256: sha256(server.image),
      IMAGE_FORMAT: 'raw.zst',
      RAW_BYTES: raw.length.toString(),
      ...extra,
    });
    scripts.push(script);
    return script;
  };
  const run = (extra?: Record<string, string>) => start(extra).ended;

  /** Resolves when the image is being fetched. */
  const begun = async (): Promise<void> => {
    while (server.ranges.length === 0) await new Promise((go) => setTimeout(go, 20));
  };
  /** Until the first MiB is written, nothing on the disk can be booted. */
  const bootsNothing = (): boolean =>
    disk
      .read()
      .subarray(0, mib)
      .every((byte) => byte === 0);

  test.each([
    ['raw.zst', zst],
    ['raw.gz', gzipSync(raw)],
    ['raw.xz', spawnSync('xz', ['-c'], { input: raw, maxBuffer: 64 * mib }).stdout],
    ['raw', raw],
  ])('writes %s to the byte, and leaves nothing of before in its holes', async (format, image) => {
    server.image = image;
    const { code, stdout, stderr } = await run({ IMAGE_FORMAT: format });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(JSON.parse(stdout)).toEqual({ bytes: raw.length, seconds: expect.any(Number) as number });
    expect(disk.read().subarray(0, raw.length).equals(raw)).toBe(true);
    expect(
      disk
        .read()
        .subarray(-mib)
        .every((byte) => byte === 0),
    ).toBe(true);
    expect(server.progress.at(-1)).toEqual({ step: 'write', bytes: raw.length, total: raw.length });
  });

  test('goes on where the transfer broke, as often as it breaks', async () => {
    server.cuts.push(100_000, 2 * mib, 1);
    const { code, stderr } = await run();
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(disk.read().subarray(0, raw.length).equals(raw)).toBe(true);
    expect(server.ranges.length).toBeGreaterThanOrEqual(4);
    expect(server.ranges[0]).toBe('bytes=0-');
    expect(Number(/\d+/.exec(server.ranges[1] ?? '')?.[0])).toBeGreaterThanOrEqual(100_000);
  });

  test('waits for a server that was killed, and goes on', async () => {
    server.rate = 4 * mib;
    const writing = run();
    await begun();
    await new Promise((go) => setTimeout(go, 500));
    await server.kill();
    await new Promise((go) => setTimeout(go, 500));
    server.rate = 0;
    await server.start();
    expect(await writing).toMatchObject({ code: 0, stderr: '' });
    expect(disk.read().subarray(0, raw.length).equals(raw)).toBe(true);
    expect(server.ranges.at(-1)).not.toBe('bytes=0-');
  });

  describe('leaves a disk that boots nothing, and says why', () => {
    test.each<[string, (server: DeployServer) => Record<string, string> | undefined, RegExp]>([
      ['another checksum', () => ({ IMAGE_SHA256: 'ab'.repeat(32) }), /another checksum than the abab/],
      ['a smaller image', () => ({ RAW_BYTES: (raw.length + 512).toString() }), /has \d+ bytes, and \d+ were promised/],
      ['a larger image', () => ({ RAW_BYTES: (raw.length - 512).toString() }), /larger than the \d+ bytes/],
      ['a shorter file', () => ({ IMAGE_BYTES: (zst.length + 1).toString() }), /image ends after \d+ bytes/],
      [
        'a longer file',
        () => ({ IMAGE_BYTES: (zst.length - 1).toString() }),
        /has \d+ bytes or more, and \d+ were promised/,
      ],
      ['an image that is gone', (fake) => void (fake.imageStatus = 404), /has this image no more/],
      ['a server that stays away', (fake) => void (fake.imageStatus = 503), /the transfer broke after 0 bytes/],
      ['what is no archive', (fake) => void (fake.image = randomBytes(100_000)), /cannot be unpacked/],
      [
        'a damaged archive',
        (fake) => ((fake.image = damaged(zst)), { IMAGE_SHA256: sha256(zst) }),
        /cannot be unpacked|another checksum/,
      ],
    ])('%s', async (_, fault, why) => {
      const { code, stdout, stderr } = await run(fault(server) ?? {});
      expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
      expect(stderr).toMatch(why);
      expect(bootsNothing()).toBe(true);
    });

    test('a deployment that ended meanwhile', async () => {
      server.rate = 2 * mib;
      const writing = run();
      await begun();
      server.progressStatus = 404;
      const { code, stderr } = await writing;
      expect(code).toBe(1);
      expect(stderr).toContain('the deployment has ended');
      expect(bootsNothing()).toBe(true);
    });
  });

  describe('refuses, before it writes anything,', () => {
    afterEach(() => {
      expect(disk.read().every((byte) => byte === 0xaa)).toBe(true);
    });

    test('a disk that is not there any more', async () => {
      const { code, stderr } = await run({ DISK_ID: 'serial:NO-SUCH' });
      expect({ code, stderr }).toEqual({
        code: 1,
        stderr: 'the disk that was chosen is gone: no disk has the serial:NO-SUCH\n',
      });
    });
    test('the disk of a deployment that has ended', async () => {
      server.progressStatus = 404;
      expect(await run()).toMatchObject({ code: 1, stderr: 'the deployment has ended\n' });
    });
    test('a disk of another size', async () => {
      expect(await run({ DISK_BYTES: '1' })).toMatchObject({
        code: 1,
        stderr: expect.stringContaining('the disk that was chosen has 1') as string,
      });
    });
    test('a disk that is too small', async () => {
      expect(await run({ RAW_BYTES: (17 * mib).toString() })).toMatchObject({
        code: 1,
        stderr: expect.stringContaining('too small') as string,
      });
    });
    test('a disk that is in use', async () => {
      const proc = join(dir, 'proc');
      spawnSync('mkdir', ['-p', proc]);
      writeFileSync(join(proc, 'mounts'), `${disk.path} /data ext4 rw 0 0\n`);
      writeFileSync(join(proc, 'uptime'), '1.00 1.00\n');
      expect(await run({ RACKWRIGHT_PROC: proc })).toMatchObject({
        code: 1,
        stderr: `${disk.path} is in use by /data\n`,
      });
    });
  });

  test('is done again from the start after it was killed in the middle', async () => {
    server.rate = 2 * mib;
    const script = start();
    await begun();
    await new Promise((go) => setTimeout(go, 700));
    await killScript(script);
    expect(bootsNothing()).toBe(true);
    server.rate = 0;
    expect(await run()).toMatchObject({ code: 0, stderr: '' });
    expect(disk.read().subarray(0, raw.length).equals(raw)).toBe(true);
  });

  test('two at once never write both', async () => {
    server.rate = 4 * mib;
    const first = run();
    await begun();
    const second = run();
    expect(await first).toMatchObject({ code: 0 });
    expect(server.ranges).toHaveLength(1);
    server.rate = 0;
    expect(await second).toMatchObject({ code: 0 });
    expect(server.ranges).toHaveLength(2);
    expect(disk.read().subarray(0, raw.length).equals(raw)).toBe(true);
  });

  test('shows the token to nobody', async () => {
    server.rate = 4 * mib;
    const writing = run();
    await begun();
    const { stdout } = spawnSync('ps', ['-eo', 'args'], { encoding: 'utf8' });
    expect(stdout).toContain('image.curl');
    expect(stdout).not.toContain(deployToken);
    server.rate = 0;
    expect(await writing).toMatchObject({ code: 0, stderr: '' });
  });
});

function damaged(bytes: Buffer): Buffer {
  const copy = Buffer.from(bytes);
  const middle = Math.floor(copy.length / 2);
  copy.fill(0, middle, middle + 64);
  return copy;
}

import { createHash } from 'node:crypto';
import { createReadStream, existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { runOk } from '../../src/lab/run.ts';
import { logIn, ownKey, type SshKey } from '../../src/lab/ssh.ts';
import { waitFor } from '../../src/lab/wait.ts';
import { textTable } from '../../src/model/text-table.ts';
import type { ListedRun, NodeRow, Rack } from '../support/e2e.ts';
import { discoveryDeadlineMs, openRack } from '../support/e2e.ts';

/**
 * Operating systems on virtual servers, by the image of `make image`, while the server and the power fail. Disks
 * come first in the boot order, so that a half-written one would show itself.
 */

const home = resolve(import.meta.dirname, '../..');
const imageFile = join(home, '.cache/image/debian-12.raw.zst');

/** Milliseconds: four times what a deploy with a power loss takes on a machine with nothing else to do. */
const deployDeadlineMs = 900_000;

let rack: Rack;
let key: SshKey;
beforeAll(async () => {
  if (!existsSync(imageFile)) throw new Error('there is no image: make image');
  rack = await openRack('e2e-deploy', {
    nodes: [
      { kind: 'bios', disks: [{ bus: 'virtio', gib: 2 }] },
      { kind: 'uefi', disks: [{ bus: 'nvme', gib: 2 }] },
      {
        kind: 'uefi',
        disks: [
          { bus: 'scsi', gib: 1 },
          { bus: 'scsi', gib: 4 },
        ],
      },
    ],
    bootOrder: 'cn',
  });
  key = await ownKey(join(rack.lab.paths.dir, 'key'));
  await runOk(['curl', '-fsS', '--upload-file', imageFile, `${rack.lab.url}/images/debian-12`], {
    deadlineMs: 300_000,
  });
}, 600_000);
afterAll(async () => {
  await rack.close();
}, 60_000);

const numbers = [1, 2, 3];
const nodes = new Map<number, NodeRow>();
const node = (number: number): NodeRow => {
  const found = nodes.get(number);
  if (!found) throw new Error(`node ${number} was not discovered`);
  return found;
};

/** A deployed node, as `GET /nodes/:id` tells it. */
interface DeployedNode extends NodeRow {
  readonly deployment: {
    readonly disk?: { readonly name: string; readonly serial?: string };
    readonly system?: { readonly hostname: string; readonly kernel: string; readonly addresses: readonly string[] };
  };
}

const nodeNow = (number: number): Promise<DeployedNode> => rack.get<DeployedNode>(`/nodes/${node(number).id}`);

/** Waits until the node is in one of these states; the server may be away meanwhile. */
const inState = async (number: number, ...states: string[]): Promise<DeployedNode> =>
  await waitFor(
    `node ${number} ${states.join(' or ')}`,
    async () => {
      const now = await nodeNow(number).catch(() => undefined);
      return now && states.includes(now.state.name) ? now : undefined;
    },
    { deadlineMs: deployDeadlineMs, stepMs: 250 },
  );

const label = (wanted: string, state: string) => (fact: { data?: Readonly<Record<string, unknown>> }) =>
  fact.data?.label === wanted && fact.data.state === state;

/** Bytes of a disk as the node sees it; the node is off. */
async function checksumOfDisk(number: number, disk: number): Promise<string> {
  const file = rack.lab.node(number).machine.disks[disk]?.file ?? '';
  const raw = `${file}.raw`;
  await runOk(['qemu-img', 'convert', '-O', 'raw', file, raw]);
  const hash = createHash('sha256');
  await pipeline(createReadStream(raw), hash);
  await rm(raw);
  return hash.digest('hex');
}

/** What stands on the disk that nobody may touch. */
async function fillDisk(number: number, disk: number): Promise<void> {
  const file = rack.lab.node(number).machine.disks[disk]?.file ?? '';
  await runOk(['qemu-io', '-c', 'write -P 0xa5 0 3M', '-c', 'write -P 0x5a 700M 3M', file]);
}

const login = async (number: number, user: string): Promise<string> => {
  const { deployment } = await nodeNow(number);
  const address = deployment.system?.addresses.find((candidate) => candidate.startsWith('172.31.128.')) ?? '';
  const target = { user, address, keyFile: key.file };
  const command = ['hostname; uname -r; findmnt -no SOURCE,SIZE /'];
  return await logIn(target, command, { enter: rack.lab.status().enter, deadlineMs: 120_000 });
};

it(
  'discovers them',
  async () => {
    await Promise.all(numbers.map((number) => rack.powerOn(number)));
    for (const number of numbers) nodes.set(number, await rack.discovered(number));
    expect([...nodes.keys()]).toEqual(numbers);
  },
  discoveryDeadlineMs,
);

describe('three deploys', () => {
  const rows: { number: number; row: string[] }[] = [];
  let checksum = '';

  afterAll(() => {
    const lines = textTable([['NODE', 'WHAT FAILED', 'DEPLOYED IN', 'LOGIN BY SSH'], ...rows.map(({ row }) => row)]);
    process.stdout.write(`\n${lines.join('\n')}\n`);
  });

  /** The deploy is known to be over by the state; then the login counts. */
  const finish = async (number: number, user: string, began: number, what: string): Promise<DeployedNode> => {
    const now = await inState(number, 'deployed', 'failed-deploy');
    expect(now.state).toMatchObject({ name: 'deployed' });
    const seconds = Math.round((Date.now() - began) / 1000);
    const [hostname = '', kernel = '', root = ''] = (await login(number, user)).split('\n');
    expect(hostname).toBe(`web${number}`);
    expect(now.deployment.system).toMatchObject({ hostname: `web${number}`, kernel });
    const { kind } = rack.lab.node(number).machine;
    rows.push({ number, row: [kind, what, `${seconds} s`, `${user}@${hostname} ${kernel} ${root}`] });
    return now;
  };

  it('refuses to guess between two disks', async () => {
    const started = await fetch(`${rack.lab.url}/nodes/${node(3).id}/deploy`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ image: 'debian-12', hostname: 'web3', user: 'carl', keys: [key.publicLine] }),
    });
    expect(started.status).toBe(202);
    const { state } = await inState(3, 'failed-deploy', 'deployed');
    expect(state).toMatchObject({ name: 'failed-deploy' });
    expect(state.reason).toMatch(/2 disks fit: .*serial LAB00003-D0.*serial LAB00003-D1.*hint/);
    await rack.lab.node(3).powerOff();
    await fillDisk(3, 0);
    checksum = await checksumOfDisk(3, 0);
  }, 400_000);

  const killServer = async (): Promise<void> => {
    await rack.lab.server?.kill();
    await rack.lab.server?.start();
  };
  /** Bytes are on the disk, and more are to come. */
  const isWriting = async (number: number): Promise<void> => {
    await rack.fact(number, 'deploy.progress', ({ data }) => Number(data?.bytes) > 0 && data?.bytes !== data?.total);
  };

  const withPowerLoss = async (): Promise<void> => {
    const began = Date.now();
    const body = { image: 'debian-12', hostname: 'web2', user: 'bea', keys: [key.publicLine] };
    await rack.send('POST', `/nodes/${node(2).id}/deploy`, body);
    await isWriting(2);
    await rack.lab.node(2).powerOff();
    await rack.lab.node(2).powerOn();
    const { deployment } = await finish(2, 'bea', began, 'power, while it wrote');
    expect(deployment.disk).toMatchObject({ name: 'nvme0n1' });
    expect(rack.factsOf(2, 'run.task').filter(label('write-image', 'repeated'))).toHaveLength(1);
  };

  /** By RackHD's options, which name the disk. */
  const byRackhd = async (): Promise<void> => {
    const began = Date.now();
    const defaults = {
      ...{ image: 'debian-12', hostname: 'web3', users: [{ name: 'carl', sshKey: key.publicLine }] },
      installDisk: { serial: 'LAB00003-D1' },
    };
    const body = { name: 'Graph.InstallImage', options: { defaults } };
    await rack.send<ListedRun>('POST', `/api/current/nodes/${node(3).id}/workflows`, body);
    await finish(3, 'carl', began, 'nothing');
  };

  /** The server is killed at each step of one deploy, right after the step began. */
  const withServerKilled = async (): Promise<void> => {
    const began = Date.now();
    const body = { image: 'debian-12', hostname: 'web1', domain: 'example.com', user: 'anna', keys: [key.publicLine] };
    await rack.send('POST', `/nodes/${node(1).id}/deploy`, { ...body, seed: 'network' });
    const steps = ['power-cycle', 'choose-disk', 'write-image', 'finish-disk', 'restart', 'home'];
    for (const step of steps) {
      await rack.fact(1, 'run.task', label(step, 'began'));
      if (step === 'write-image') await isWriting(1);
      await killServer();
    }
    await finish(1, 'anna', began, `server, ${steps.length} times: ${steps.join(', ')}`);
    const serial = rack.serial(1);
    const work = serial.match(/RACKWRIGHT work \S+/g) ?? [];
    expect(work).toEqual([...new Set(work)]);
  };

  it(
    'all end deployed, and let their users in',
    async () => {
      // All of them are followed to their end before one that failed is told of.
      const deploys = [withServerKilled(), withPowerLoss(), byRackhd()];
      await Promise.allSettled(deploys);
      await Promise.all(deploys);
      const { deployment } = await nodeNow(3);
      expect(deployment.disk).toMatchObject({ serial: 'LAB00003-D1' });
    },
    deployDeadlineMs + 60_000,
  );

  it('and the disk that was not meant is untouched', async () => {
    await rack.lab.node(3).powerOff();
    expect(await checksumOfDisk(3, 0)).toBe(checksum);
  }, 120_000);
});

describe('a release', () => {
  it('erases what the disk says of itself, and the node is available', async () => {
    expect((await nodeNow(2)).state.name).toBe('deployed');
    await rack.send('POST', `/nodes/${node(2).id}/release`, {});
    const { state } = await inState(2, 'available', 'failed-release');
    expect(state).toMatchObject({ name: 'available' });
    await waitFor('node 2 off', () => rack.lab.node(2).power() === 'off', { deadlineMs: 60_000, stepMs: 250 });
    const file = rack.lab.node(2).machine.disks[0]?.file ?? '';
    for (const range of ['0 1M', '2047M 1M']) {
      const [from = '', length = ''] = range.split(' ');
      await runOk(['qemu-io', '-c', `read -P 0 ${from} ${length}`, file]);
    }
  }, 600_000);
});

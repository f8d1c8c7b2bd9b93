import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { runOk } from '../../src/lab/run.ts';
import { waitFor } from '../../src/lab/wait.ts';
import { textTable } from '../../src/model/text-table.ts';
import type { DeployedNode, DeployRack } from '../support/deploy-rack.ts';
import { deployDeadlineMs, openDeployRack } from '../support/deploy-rack.ts';
import type { ListedRun } from '../support/e2e.ts';
import { discoveryDeadlineMs } from '../support/e2e.ts';
import { killAgent } from '../support/kill-agent.ts';

/** Operating systems on virtual servers, by the image of `make image`, while the server, the agent and the power fail. */

let rack: DeployRack;
beforeAll(async () => {
  rack = await openDeployRack('e2e-deploy', [
    { kind: 'bios', disks: [{ bus: 'virtio', gib: 2 }] },
    { kind: 'uefi', disks: [{ bus: 'nvme', gib: 2 }] },
    {
      kind: 'uefi',
      disks: [
        { bus: 'scsi', gib: 1 },
        { bus: 'scsi', gib: 4 },
      ],
    },
  ]);
}, 600_000);
afterAll(async () => {
  await rack.close();
}, 60_000);

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

it(
  'discovers them',
  async () => {
    const numbers = [1, 2, 3];
    await Promise.all(numbers.map((number) => rack.powerOn(number)));
    for (const number of numbers) expect((await rack.discovered(number)).state.name).toBe('discovered');
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
    const now = await rack.inState(number, 'deployed', 'failed-deploy');
    expect(now.state).toMatchObject({ name: 'deployed' });
    const seconds = Math.round((Date.now() - began) / 1000);
    const [hostname = '', kernel = '', root = ''] = await rack.login(number, user);
    expect(hostname).toBe(`web${number}`);
    expect(now.deployment.system).toMatchObject({ hostname: `web${number}`, kernel });
    const { kind } = rack.lab.node(number).machine;
    rows.push({ number, row: [kind, what, `${seconds} s`, `${user}@${hostname} ${kernel} ${root}`] });
    return now;
  };

  it('refuses to guess between two disks', async () => {
    const started = await fetch(`${rack.lab.url}/nodes/${rack.node(3).id}/deploy`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ image: 'debian-12', hostname: 'web3', user: 'carl', keys: [rack.key.publicLine] }),
    });
    expect(started.status).toBe(202);
    const { state } = await rack.inState(3, 'failed-deploy', 'deployed');
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
  const withPowerLoss = async (): Promise<void> => {
    const began = Date.now();
    const body = { image: 'debian-12', hostname: 'web2', user: 'bea', keys: [rack.key.publicLine] };
    await rack.send('POST', `/nodes/${rack.node(2).id}/deploy`, body);
    await rack.isWriting(2);
    await rack.lab.node(2).powerOff();
    await rack.lab.node(2).powerOn();
    const { deployment } = await finish(2, 'bea', began, 'power, while it wrote');
    expect(deployment.disk).toMatchObject({ name: 'nvme0n1' });
    expect(rack.factsOf(2, 'run.task').filter(label('write-image', 'repeated'))).toHaveLength(1);
  };

  /** By RackHD's options, which name the disk. The agent is killed in the middle of two steps. */
  const withAgentKilled = async (): Promise<void> => {
    const began = Date.now();
    const defaults = {
      ...{ image: 'debian-12', hostname: 'web3', users: [{ name: 'carl', sshKey: rack.key.publicLine }] },
      installDisk: { serial: 'LAB00003-D1' },
    };
    const body = { name: 'Graph.InstallImage', options: { defaults } };
    await rack.send<ListedRun>('POST', `/api/current/nodes/${rack.node(3).id}/workflows`, body);
    const steps = ['write-image', 'finish-disk'];
    for (const step of steps) {
      // It has noted that it began: the next agent is not to do it as if nothing had been.
      await rack.lab.node(3).waitSerial(new RegExp(`RACKWRIGHT work \\S+/${step}/1\\s`), discoveryDeadlineMs);
      if (step === 'write-image') await rack.isWriting(3);
      await killAgent(rack.lab.node(3));
      const { text } = await rack.fact(3, 'run.task', label(step, 'repeated'));
      expect(text).toContain(`task '${step}' was interrupted`);
    }
    await finish(3, 'carl', began, `agent, twice: ${steps.join(', ')}`);
    for (const step of steps) expect(rack.factsOf(3, 'run.task').filter(label(step, 'repeated'))).toHaveLength(1);
    expect(rack.serial(3).match(/agent ended with status 137/g)).toHaveLength(steps.length);
  };

  /** The server is killed at each step of one deploy, right after the step began. */
  const withServerKilled = async (): Promise<void> => {
    const began = Date.now();
    const body = {
      image: 'debian-12',
      hostname: 'web1',
      domain: 'example.com',
      user: 'anna',
      keys: [rack.key.publicLine],
    };
    await rack.send('POST', `/nodes/${rack.node(1).id}/deploy`, { ...body, seed: 'network' });
    const steps = ['power-cycle', 'choose-disk', 'write-image', 'finish-disk', 'restart', 'home'];
    for (const step of steps) {
      await rack.fact(1, 'run.task', label(step, 'began'));
      if (step === 'write-image') await rack.isWriting(1);
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
      const deploys = [withServerKilled(), withPowerLoss(), withAgentKilled()];
      await Promise.allSettled(deploys);
      await Promise.all(deploys);
      const { deployment } = await rack.nodeNow(3);
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
    expect((await rack.nodeNow(2)).state.name).toBe('deployed');
    await rack.send('POST', `/nodes/${rack.node(2).id}/release`, {});
    const { state } = await rack.inState(2, 'available', 'failed-release');
    expect(state).toMatchObject({ name: 'available' });
    await waitFor('node 2 off', () => rack.lab.node(2).power() === 'off', { deadlineMs: 60_000, stepMs: 250 });
    const file = rack.lab.node(2).machine.disks[0]?.file ?? '';
    for (const range of ['0 1M', '2047M 1M']) {
      const [from = '', length = ''] = range.split(' ');
      await runOk(['qemu-io', '-c', `read -P 0 ${from} ${length}`, file]);
    }
  }, 600_000);
});

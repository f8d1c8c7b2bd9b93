/**
 * An operating system on a virtual server, from its power-on until a login by ssh, beside `curl | zstd | dd` with the same
 * ramdisk, the same image and a seed with the same key (programs/reference-deploy.ts). Needs root, and the image of
 * `make image`.
 * Arguments: rounds (default 1), node as `rackwright lab up --nodes` has it (default bios-ipxe:virtio).
 */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { createServerApi } from '../../src/lab/server-api.ts';
import { addImage } from '../../src/lab/add-image.ts';
import { createLab, type Lab } from '../../src/lab/lab.ts';
import { defaultOptions, parseNodes } from '../../src/lab/options.ts';
import { ownKey, type SshKey } from '../../src/lab/ssh.ts';
import { waitFor } from '../../src/lab/wait.ts';
import { textTable } from '../../src/model/text-table.ts';
import { openRack, type NodeRow, type Rack } from '../support/e2e.ts';
import { testLab } from '../support/lab.ts';
import { followDeploy, type Stage } from './programs/deploy-stages.ts';
import { startReferenceChain } from './programs/reference-chain.ts';
import { referenceDeploy } from './programs/reference-deploy.ts';
import { inTurns, report, reportSkipped } from './report.ts';

const home = resolve(import.meta.dirname, '../..');
const image = join(home, '.cache/image/debian-12.raw.zst');
const microkernelDir = join(home, '.cache/microkernel');
const kernelArgs = 'console=tty0 console=ttyS0,115200n8 quiet no_timer_check';
const defaultNode = 'bios-ipxe:virtio';
const [times = '1', spec = defaultNode] = process.argv.slice(2);
const user = 'lab';

/** Disks come first in the boot order, and the first boot is told to use the network: a restart leads to the disk. */
const labOptions = {
  nodes: parseNodes(spec),
  memoryMib: defaultOptions.memoryMib,
  diskGib: 2,
  bootOrder: 'cn',
  microkernelDir,
} as const;

interface Measured {
  readonly stages: readonly Stage[];
  /** Seconds from the request to the login; the reference has none. */
  readonly sinceRequest: number;
}

const keyOf = async (lab: Lab): Promise<SshKey> => await ownKey(join(lab.paths.dir, 'key'));

/** The node is known to the server, and off: only the deploy itself is measured. */
async function ours(): Promise<Measured> {
  const serve = [process.execPath, join(home, 'src/main.ts'), 'serve', '--microkernel-kernel-args', kernelArgs];
  const rack = await openRack('rwt-dep', { ...labOptions, serverCommand: [...serve, '--config'] });
  try {
    const key = await keyOf(rack.lab);
    const { name } = await addImage(createServerApi(rack.lab.url ?? ''), image, () => undefined);
    await rack.powerOn(1);
    const { id } = await rack.discovered(1);
    await rack.lab.node(1).powerOff();
    const target = { user, address: await addressOf(rack), keyFile: key.file };
    const body = { image: name, hostname: 'ours', user, keys: [key.publicLine] };
    const requested = Date.now();
    const { poweredOn, stages } = await followDeploy(rack.lab, target, async () => {
      await rack.send('POST', `/nodes/${id}/deploy`, body);
    });
    const { seconds } = stages.at(-1)!;
    const sinceRequest = (poweredOn - requested) / 1000 + seconds;
    await isDeployed(rack, id);
    const deployed = (Date.now() - requested) / 1000;
    process.stdout.write(
      `   ours: ${sinceRequest.toFixed(1)} s from the request to the login, ${deployed.toFixed(1)} s to 'deployed'\n`,
    );
    return { stages, sinceRequest };
  } finally {
    await rack.close();
  }
}

async function addressOf({ lab, get }: Rack): Promise<string> {
  const { mac } = lab.node(1).machine.identity;
  const { items } = await get<{ items: { mac: string; address: string }[] }>('/leases');
  return items.find((lease) => lease.mac === mac)?.address ?? '';
}

/** A login says that the system runs; that the deploy went as it should, only its end says. */
async function isDeployed({ get }: Rack, id: string): Promise<void> {
  const ended = async (): Promise<NodeRow['state'] | undefined> => {
    const { state } = await get<NodeRow>(`/nodes/${id}`);
    return ['deployed', 'failed-deploy'].includes(state.name) ? state : undefined;
  };
  const { name, reason } = await waitFor('the end of the deploy', ended, { deadlineMs: 300_000, stepMs: 100 });
  if (name !== 'deployed') throw new Error(`the deploy failed: ${reason ?? ''}`);
}

async function reference(): Promise<Measured> {
  const lab = await createLab(testLab('rwt-dep-ref', { ...labOptions, serverCommand: [] }));
  try {
    const key = await keyOf(lab);
    const node = lab.node(1);
    const address = '172.31.128.60';
    const { identity, disks } = node.machine;
    const deploy = await referenceDeploy({
      ...{ image, identity, disk: disks[0]!, address, user, publicKey: key.publicLine },
      folder: join(lab.paths.dir, 'seed'),
    });
    await startReferenceChain(lab, { microkernelDir, kernelArgs, ...deploy });
    const { stages } = await followDeploy(lab, { user, address, keyFile: key.file }, async () => {
      await node.setBootDevice('pxe');
      await node.powerOn();
    });
    return { stages, sinceRequest: stages.at(-1)!.seconds };
  } finally {
    await lab.down();
  }
}

/** Both sides of a round, stage by stage: since the power-on, and since the stage before. */
function show(round: number, sides: readonly (readonly [string, Measured])[]): void {
  const rows = sides.flatMap(([side, { stages }]) =>
    (['seconds', 'cpuSeconds'] as const).flatMap((unit) => {
      const label = `${side}, ${unit === 'seconds' ? 's' : 's of processor time'}`;
      const values = stages.map((stage) => stage[unit]);
      const steps = values.map((value, index) => value - (values[index - 1] ?? 0));
      return [
        [label, ...values.map((value) => value.toFixed(1))],
        ['', ...steps.map((value) => `+${value.toFixed(1)}`)],
      ];
    }),
  );
  const names = sides[0]?.[1].stages.map(({ name }) => name) ?? [];
  process.stdout.write(
    `${textTable([[`round ${round + 1}`, ...names], ...rows])
      .map((row) => `   ${row}`)
      .join('\n')}\n`,
  );
}

async function measure(): Promise<void> {
  const measured = await inTurns({ ours, peer: reference }, Number(times));
  for (const [round, one] of measured.ours.entries()) {
    show(round, [
      ['ours', one],
      ['reference', measured.peer[round]!],
    ]);
  }
  const prefix = spec === defaultNode ? 'deploy' : `deploy-${spec.replace(':', '-')}`;
  const last = (unit: 'seconds' | 'cpuSeconds') => (one: Measured) => one.stages.at(-1)![unit];
  const pick = (from: (one: Measured) => number) => ({ ours: measured.ours.map(from), peer: measured.peer.map(from) });
  report({ name: `${prefix}-power-on-to-ssh`, ...pick(last('seconds')), unit: 's', bar: { atMost: 1.2 } });
  report({ name: `${prefix}-cpu-seconds`, ...pick(last('cpuSeconds')), unit: 's' });
  report({ name: `${prefix}-request-to-ssh`, ours: measured.ours.map(({ sinceRequest }) => sinceRequest), unit: 's' });
}

if (existsSync(image)) await measure();
else reportSkipped('deploy-power-on-to-ssh', `there is no image ${image}: make image`);

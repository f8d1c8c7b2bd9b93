import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { waitFor } from '../../src/lab/wait.ts';
import type { Diagnosis } from '../../src/timeline/diagnose.ts';
import type { DeployRack } from '../support/deploy-rack.ts';
import { addImage, deployDeadlineMs, openDeployRack } from '../support/deploy-rack.ts';
import { diskImage } from '../support/disk-image.ts';
import { discoveryDeadlineMs } from '../support/e2e.ts';

/** Deploys that do not go by themselves: an image that does not boot, and a machine without a BMC. */

let rack: DeployRack;
beforeAll(async () => {
  const disks = [{ bus: 'virtio', gib: 2 }] as const;
  rack = await openDeployRack('e2e-by-hand', [
    { kind: 'bios', disks },
    { kind: 'bios', disks, bmc: false },
  ]);
  const file = join(rack.lab.paths.dir, 'halts.raw');
  writeFileSync(file, imageThatHalts());
  await addImage(rack, 'halts', file);
}, 600_000);
afterAll(async () => {
  await rack.close();
}, 60_000);

/** A disk image like another, but for its boot code: it stops the processor (cli; hlt; again) and says nothing. */
function imageThatHalts(): Buffer {
  const image = diskImage({ bytes: 8 * 1024 * 1024, table: 'mbr', partitions: [0x83] });
  image.set([0xfa, 0xf4, 0xeb, 0xfd], 0);
  return image;
}

const body = (number: number) => ({
  ...{ image: 'debian-12', hostname: `web${number}`, user: 'anna', keys: [rack.key.publicLine] },
});
const firstVerdict = async (number: number) => {
  const { verdicts } = await rack.get<Diagnosis>(`/nodes/${rack.node(number).id}/diagnosis`);
  return verdicts[0];
};

it(
  'are discovered, and one of them has no BMC',
  async () => {
    await rack.powerOn(1);
    await rack.lab.node(2).powerOn();
    const found = await Promise.all([rack.discovered(1), rack.discovered(2)]);
    expect(found.map(({ bmc }) => bmc?.address)).toEqual([rack.lab.node(1).machine.identity.bmcAddress, undefined]);
  },
  discoveryDeadlineMs,
);

/** What the timeline asks of the operator, once it asks for so much. */
const asked = async (number: number, count: number): Promise<string[]> => {
  const asks = () => {
    const facts = rack.factsOf(number, 'run.by-hand');
    return facts.length >= count ? facts.map(({ data }) => String(data?.byHand)) : undefined;
  };
  return await waitFor(`${count} requests of the operator`, asks, { deadlineMs: discoveryDeadlineMs, stepMs: 100 });
};

const byHand = async (): Promise<string> => {
  await rack.send('POST', `/nodes/${rack.node(2).id}/deploy`, body(2));
  expect(await asked(2, 2)).toEqual([
    'boot it from the network: choose PXE in its boot menu, or before its disk in its setup',
    'switch it off and on again, within an hour',
  ]);
  const verdict = await firstVerdict(2);
  expect(verdict).toMatchObject({ cause: 'by-hand', outcome: 'stopped' });
  expect(verdict?.why).toMatch(/waits for you: boot it from the network: .*; then switch it off and on again/);
  const machine = rack.lab.node(2);
  await machine.setBootDevice('pxe');
  await machine.powerOff();
  await machine.powerOn();
  expect((await asked(2, 3)).at(-1)).toMatch(/its firmware boots the disk/);
  const { state } = await rack.inState(2, 'deployed', 'failed-deploy');
  expect(state).toMatchObject({ name: 'deployed' });
  expect((await rack.login(2, 'anna'))[0]).toBe('web2');
  return state.name;
};

const thatDoesNotBoot = async (): Promise<string> => {
  const options = { defaults: { image: 'halts', hostname: 'web1' }, home: { _taskTimeout: 45_000 } };
  const path = `/api/current/nodes/${rack.node(1).id}/workflows`;
  await rack.send('POST', path, { name: 'Graph.InstallImage', options });
  const { state } = await rack.inState(1, 'failed-deploy', 'deployed');
  expect(state).toMatchObject({ name: 'failed-deploy' });
  expect(state.reason).toContain('nobody called within 45 s');
  const verdict = await firstVerdict(1);
  expect(verdict).toMatchObject({ cause: 'disk-boot', outcome: 'stopped' });
  expect(verdict?.why).toContain('the image does not boot on this firmware');
  expect(verdict?.nextCheck).toContain('look at its console: does it stay in the firmware?');
  // Once the image is mended the node can have it.
  await rack.send('POST', `/nodes/${rack.node(1).id}/deploy`, body(1));
  return (await rack.inState(1, 'deploying')).state.name;
};

it(
  'a machine without a BMC is deployed once somebody did what the timeline asks; an image that does not boot is told of',
  async () => {
    const deploys = [byHand(), thatDoesNotBoot()];
    // Both are followed to their end before one that failed is told of.
    await Promise.allSettled(deploys);
    expect(await Promise.all(deploys)).toEqual(['deployed', 'deploying']);
  },
  deployDeadlineMs + 60_000,
);

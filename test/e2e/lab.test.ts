import { existsSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { controlServer, labStatus, startLab, stopLab } from '../../src/lab/attach.ts';
import type { Lab } from '../../src/lab/lab.ts';
import { createLab, prepareLab } from '../../src/lab/lab.ts';
import { isAlive, sendSignal } from '../../src/lab/process-id.ts';
import { waitForLine } from '../../src/lab/serial.ts';
import { labPaths, readRecord } from '../../src/lab/state.ts';
import { waitFor } from '../../src/lab/wait.ts';
import { leftovers, runningOf, startReferenceDhcp, testLab } from '../support/lab.ts';

const ipmi = async (lab: Lab, ...command: string[]): Promise<string> => {
  const { code, stdout, stderr } = await lab.ipmi(1, ...command);
  if (code !== 0) throw new Error(`ipmitool ${command.join(' ')}: ${stderr}`);
  return stdout;
};
const commands = (lab: Lab): string[] => lab.bmcEffects(1).map(({ command }) => command);
const shows = async (log: string, pattern: RegExp): Promise<string> =>
  (await waitForLine(log, pattern, { from: 0, deadlineMs: 30_000 }))[0];

describe('a lab with a BIOS node', () => {
  let lab: Lab;
  let dhcpLog: string;

  beforeAll(async () => {
    lab = await createLab(testLab('rwt-bios'));
    dhcpLog = await startReferenceDhcp(lab);
  }, 30_000);
  afterAll(async () => {
    await lab.down();
  }, 30_000);

  it('has two networks that are not the machine’s', async () => {
    const inside = await lab.exec(['ip', '-brief', 'address']);
    expect(inside.stdout).toMatch(/^br0 .*172\.31\.128\.1\/24/m);
    expect(inside.stdout).toMatch(/^brbmc .*172\.31\.132\.1\/24/m);
    expect(inside.stdout).not.toMatch(/^eth0/m);
  });

  it('reaches its server from the machine, also after it was killed and started again', async () => {
    const status = async (): Promise<number> => (await fetch(`${lab.url}/healthz`)).status;
    expect(await status()).toBe(200);
    await lab.server?.kill();
    expect(lab.server?.running()).toBe(false);
    await lab.server?.start();
    expect(await status()).toBe(200);
  });

  it('tells an operator what the machine is', async () => {
    expect(await ipmi(lab, 'fru', 'print')).toMatch(/Product Serial +: LAB00001/);
    expect(await ipmi(lab, 'lan', 'print', '1')).toMatch(/IP Address +: 172\.31\.132\.11/);
    expect(await ipmi(lab, 'sdr')).toMatch(/MB Temp +\| 38 degrees C/);
  });

  it('powers on over IPMI; its ROM asks as a plain PXE client, and as iPXE once it has loaded that', async () => {
    expect(await ipmi(lab, 'chassis', 'power', 'status')).toMatch(/is off/);
    await ipmi(lab, 'chassis', 'bootdev', 'pxe');
    await ipmi(lab, 'chassis', 'power', 'on');
    expect(await ipmi(lab, 'chassis', 'power', 'status')).toMatch(/is on/);
    await shows(dhcpLog, /sent \/usr\/lib\/ipxe\/undionly\.kpxe/);
    await shows(dhcpLog, /user class: iPXE/);
    const beforeLoader = readFileSync(dhcpLog, 'latin1').split('undionly.kpxe')[0] ?? '';
    expect(beforeLoader).toMatch(/vendor class: PXEClient:Arch:00000:UNDI:002001/);
    expect(beforeLoader).not.toMatch(/shown-as-ipxe|option-175|user class/);
    expect(readFileSync(dhcpLog, 'latin1')).toMatch(/tags: .*option-175/);
  }, 40_000);

  it('boots from another device once', async () => {
    const node = lab.node(1);
    const firstTried = async (): Promise<string> => {
      const before = node.bootedAt();
      await ipmi(lab, 'chassis', 'power', 'reset');
      await waitFor('the reset', () => (node.bootedAt() === before ? undefined : true), { deadlineMs: 5_000 });
      return (await node.waitSerial(/Booting from (Hard Disk|ROM)/, 15_000))[1] ?? '';
    };
    expect(await firstTried()).toBe('ROM');
    await ipmi(lab, 'chassis', 'bootdev', 'disk');
    expect(await firstTried()).toBe('Hard Disk');
    const usedUp = (): true | undefined => (node.bootDevice() === undefined ? true : undefined);
    await waitFor('the override to be used up', usedUp, { deadlineMs: 5_000 });
    expect(await firstTried()).toBe('ROM');
  }, 40_000);

  it('cycles, resets, takes the power button, and is off when told so', async () => {
    const before = commands(lab).length;
    await ipmi(lab, 'chassis', 'power', 'cycle');
    const on = (): true | undefined => (commands(lab).length === before + 2 ? true : undefined);
    await waitFor('the second half of the cycle', on, { deadlineMs: 5_000 });
    await lab.node(1).waitSerial(/SeaBIOS/, 15_000);
    await ipmi(lab, 'chassis', 'power', 'soft');
    await ipmi(lab, 'chassis', 'power', 'off');
    expect(await ipmi(lab, 'chassis', 'power', 'status')).toMatch(/is off/);
    expect(commands(lab).slice(before)).toEqual(['set power 0', 'set power 1', 'set shutdown 1', 'set power 0']);
  }, 40_000);

  it('leaves nothing behind', async () => {
    const processes = runningOf(lab.name);
    expect(processes.length).toBeGreaterThan(2);
    await lab.down();
    expect(leftovers(lab.name, processes)).toEqual([]);
    expect(existsSync(lab.paths.dir)).toBe(false);
  }, 30_000);
});

describe('a lab in a user namespace, with a UEFI node', () => {
  it('boots OVMF’s own PXE client, and leaves nothing behind', async () => {
    const lab = await createLab(testLab('rwt-user', { nodes: ['uefi'], isolation: 'userns' }));
    try {
      const dhcpLog = await startReferenceDhcp(lab);
      await ipmi(lab, 'chassis', 'power', 'on');
      await shows(dhcpLog, /sent \/usr\/lib\/ipxe\/snponly\.efi/);
      const log = await readFile(dhcpLog, 'latin1');
      expect(log.split('snponly.efi')[0]).toMatch(/vendor class: PXEClient:Arch:00007/);
      expect(log.split('snponly.efi')[0]).not.toMatch(/user class/);
    } finally {
      const processes = runningOf(lab.name);
      await lab.down();
      expect(leftovers(lab.name, processes)).toEqual([]);
    }
  }, 60_000);
});

describe('the process of a lab', () => {
  const options = testLab('rwt-proc', { nodes: ['bios-ipxe'] });

  afterEach(async () => {
    await stopLab(options.name);
  }, 40_000);

  it('answers, controls its server, and ends with every trace', async () => {
    const status = await startLab(options, () => undefined);
    expect(status.nodes).toEqual([expect.objectContaining({ number: 1, kind: 'bios-ipxe', power: 'off' })]);
    await controlServer(options.name, 'stop');
    expect((await labStatus(options.name)).server).toEqual({ running: false });
    await controlServer(options.name, 'start');
    expect((await labStatus(options.name)).server?.running).toBe(true);
    await expect(prepareLab(options.name)).rejects.toMatchObject({ code: 'lab-exists' });
    const processes = runningOf(options.name);
    await stopLab(options.name);
    expect(leftovers(options.name, processes)).toEqual([]);
    await expect(labStatus(options.name)).rejects.toMatchObject({ code: 'no-lab' });
  }, 60_000);

  it('says why it cannot be made, and leaves nothing', async () => {
    const broken = { ...options, serverCommand: [process.execPath, '-e', 'throw new Error("no such luck")'] };
    await expect(startLab(broken, () => undefined)).rejects.toThrow('no such luck');
    expect(leftovers(options.name, [])).toEqual([]);
  }, 60_000);

  it('killed, is cleaned after by itself', async () => {
    await startLab(options, () => undefined);
    const processes = runningOf(options.name);
    const record = readRecord(labPaths(options.name))!;
    sendSignal(record.owner, 'SIGKILL');
    const clean = (): true | undefined => (leftovers(options.name, processes).length === 0 ? true : undefined);
    await expect(waitFor('the reaper', clean, { deadlineMs: 20_000 })).resolves.toBe(true);
  }, 60_000);

  it('killed together with its reaper, is cleaned after by the next of its name', async () => {
    await startLab(options, () => undefined);
    const processes = runningOf(options.name);
    const { owner, reaper } = readRecord(labPaths(options.name))!;
    sendSignal(reaper!, 'SIGKILL');
    sendSignal(owner, 'SIGKILL');
    await waitFor('death', () => (isAlive(owner) ? undefined : true), { deadlineMs: 5_000 });
    const status = await startLab(options, () => undefined);
    expect(status.nodes).toHaveLength(1);
    expect(processes.filter(isAlive)).toEqual([]);
  }, 60_000);
});

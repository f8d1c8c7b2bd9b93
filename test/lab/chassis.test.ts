import type { LabEventBody } from '../../src/lab/events.ts';
import type { BootDevice } from '../../src/lab/boot-order.ts';
import type { LabNode, Power } from '../../src/lab/node.ts';
import { createChassis } from '../../src/lab/chassis.ts';
import { nodeIdentity } from '../../src/lab/identity.ts';
import { machineFiles } from '../../src/lab/qemu.ts';

function fakeNode(): { node: LabNode; done: string[]; failNext: () => void } {
  const done: string[] = [];
  let power: Power = 'off';
  let device: BootDevice | undefined;
  let fail = false;
  const act = (name: string, effect: () => void) => async (): Promise<void> => {
    await Promise.resolve();
    if (fail) throw new Error('QEMU did not start');
    done.push(name);
    effect();
  };
  const nothing = (): undefined => undefined;
  const node: LabNode = {
    machine: {
      kind: 'bios',
      identity: nodeIdentity(4),
      bmc: true,
      memoryMib: 256,
      disks: [],
      tap: 'tap4.0',
      files: machineFiles('/lab', 4),
    },
    power: () => power,
    powerOn: act('on', () => (power = 'on')),
    powerOff: act('off', () => (power = 'off')),
    reset: act('reset', nothing),
    soft: act('soft', nothing),
    setBootDevice: async (wanted) => {
      await act(`boot ${wanted ?? 'none'}`, () => (device = wanted))();
    },
    bootDevice: () => device,
    bootedAt: nothing,
    pressKeys: act('keys', nothing),
    waitSerial: () => Promise.reject(new Error('not here')),
  };
  return {
    node,
    done,
    failNext: () => {
      fail = true;
    },
  };
}

describe('chassis control', () => {
  const events: LabEventBody[] = [];
  const create = (node: LabNode) =>
    createChassis({ node, emit: (event) => events.push(event), now: () => new Date(0) });
  beforeEach(() => {
    events.length = 0;
  });

  it('answers in ipmi_sim’s words', async () => {
    const { node } = fakeNode();
    const chassis = create(node);
    expect(await chassis.command('get power boot')).toEqual({ ok: true, text: 'power:0\nboot:none\n' });
    await chassis.command('set boot default');
    await chassis.command('set power 1');
    expect(await chassis.command('get power boot')).toEqual({ ok: true, text: 'power:1\nboot:default\n' });
  });

  it('carries out every change and keeps each, repeats included', async () => {
    const { node, done } = fakeNode();
    const chassis = create(node);
    for (const line of [
      'set boot pxe',
      'set power 1',
      'set power 1',
      'set reset 1',
      'set shutdown 1',
      'set boot none',
    ]) {
      expect(await chassis.command(line)).toEqual({ ok: true, text: '' });
    }
    await chassis.command('set identify 15 0');
    await chassis.command('set power 0');
    expect(done).toEqual(['boot pxe', 'on', 'on', 'reset', 'soft', 'boot none', 'off']);
    expect(chassis.effects().map(({ command }) => command)).toEqual([
      ...['set boot pxe', 'set power 1', 'set power 1', 'set reset 1', 'set shutdown 1', 'set boot none'],
      ...['set identify 15 0', 'set power 0'],
    ]);
    expect(events[1]).toEqual({ kind: 'bmc', node: 4, command: 'set power 1' });
  });

  it('takes several settings in one line', async () => {
    const { node, done } = fakeNode();
    await create(node).command('set boot pxe power 1');
    expect(done).toEqual(['boot pxe', 'on']);
  });

  it('answers though the machine does not start, and tells of it', async () => {
    const { node, failNext } = fakeNode();
    failNext();
    expect(await create(node).command('set power 1')).toEqual({ ok: true, text: '' });
    expect(events).toContainEqual({ kind: 'trouble', node: 4, text: 'QEMU did not start' });
  });

  it.each(['', 'reboot', 'get voltage', 'set', 'set power', 'set colour red', 'set power 1 boot'])(
    'refuses %j and does nothing',
    async (line) => {
      const { node, done } = fakeNode();
      const chassis = create(node);
      expect((await chassis.command(line)).ok).toBe(false);
      expect(done).toEqual([]);
      expect(chassis.effects()).toEqual([]);
    },
  );
});

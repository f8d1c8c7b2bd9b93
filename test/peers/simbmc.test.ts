import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { createSimBmc, type SimBmc } from '../../src/lab/simbmc/bmc.ts';

let bmc: SimBmc;
let on: boolean;
let device: string;

beforeEach(async () => {
  on = false;
  device = '';
  const machine = {
    isOn: () => on,
    powerOn: () => void (on = true),
    powerOff: () => void (on = false),
    softOff: () => void (on = false),
    reset: () => undefined,
    setBootDevice: (name: string) => void (device = name),
  };
  bmc = await createSimBmc({ address: '127.0.0.1', port: 0, machine, user: 'admin', password: 'admin' });
});
afterEach(() => bmc.close());

async function ipmitool(args: string[], { user = 'admin', password = 'admin', suite = 3 } = {}) {
  const fixed = [
    '-I',
    'lanplus',
    '-H',
    '127.0.0.1',
    '-p',
    String(bmc.local.port),
    '-C',
    String(suite),
    '-N',
    '1',
    '-R',
    '1',
    '-U',
    user,
    '-E',
  ];
  const child = spawn('ipmitool', [...fixed, ...args], {
    env: { PATH: process.env.PATH, IPMI_PASSWORD: password },
    timeout: 20_000,
  });
  const [out, err, code] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    new Promise((resolve, reject) => child.on('close', resolve).on('error', reject)),
  ]);
  return { out, err, code };
}

test.each([3, 17])('ipmitool controls power and boot device with cipher suite %i', async (suite) => {
  expect(await ipmitool(['chassis', 'power', 'status'], { suite })).toMatchObject({
    code: 0,
    out: 'Chassis Power is off\n',
  });
  expect(await ipmitool(['chassis', 'bootdev', 'pxe'], { suite })).toMatchObject({ code: 0 });
  expect(await ipmitool(['chassis', 'power', 'on'], { suite })).toMatchObject({ code: 0 });
  expect(await ipmitool(['chassis', 'power', 'status'], { suite })).toMatchObject({ out: 'Chassis Power is on\n' });
  expect(await ipmitool(['chassis', 'power', 'on'], { suite })).toMatchObject({ code: 0 });
  expect(device).toBe('pxe');
  expect(bmc.effects.map(({ effect }) => effect)).toEqual(['boot pxe', 'power on', 'power on']);
});

test('a wrong password, an unknown user and a suite that is not taken are refused', async () => {
  expect((await ipmitool(['chassis', 'power', 'on'], { password: 'wrong' })).code).toBe(1);
  expect((await ipmitool(['chassis', 'power', 'on'], { user: 'nobody' })).code).toBe(1);
  bmc.faults.suites = [17];
  expect((await ipmitool(['chassis', 'power', 'on'])).code).toBe(1);
  expect(bmc.effects).toEqual([]);
});

test('a user that ipmitool makes can log in', async () => {
  for (const args of [
    ['user', 'set', 'name', '3', 'rackwright'],
    ['user', 'set', 'password', '3', 'Secret0123456789'],
    ['channel', 'setaccess', '1', '3', 'privilege=4'],
    ['user', 'enable', '3'],
  ]) {
    expect(await ipmitool(args)).toMatchObject({ code: 0 });
  }
  const own = { user: 'rackwright', password: 'Secret0123456789' };
  expect(await ipmitool(['chassis', 'power', 'on'], own)).toMatchObject({ code: 0 });
  expect(on).toBe(true);
});

test('a dead BMC answers nothing', async () => {
  bmc.faults.dead = true;
  expect((await ipmitool(['chassis', 'power', 'status'])).code).toBe(1);
});

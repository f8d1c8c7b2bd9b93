import { createIpmiDriver, ipmiService } from '../../src/obm/ipmi.ts';
import { readIpmiError } from '../../src/obm/ipmi-errors.ts';
import type { Command, CommandResult } from '../../src/obm/run-command.ts';

const never = new AbortController().signal;
const config = { host: '192.0.2.7', user: 'admin', password: 'secret' };

/** What ipmitool 1.8.19 -v wrote when it was tried against ipmi_sim, and what users' reports show of others. */
const written = {
  badSuite:
    'Loading IANA PEN Registry...\nError in open session response message : invalid authentication algorithm\n\nError: Unable to establish IPMI v2 / RMCP+ session\n',
  noSuite:
    'Error in open session response message : no matching cipher suite\n\nError: Unable to establish IPMI v2 / RMCP+ session\n',
  badUser:
    'Loading IANA PEN Registry...\nRAKP 2 message indicates an error : unauthorized name\nError: Unable to establish IPMI v2 / RMCP+ session\n',
  badPassword:
    'Loading IANA PEN Registry...\n> RAKP 2 HMAC is invalid\nError: Unable to establish IPMI v2 / RMCP+ session\n',
  badPrivilege:
    'RAKP 2 message indicates an error : unauthorized role or privilege level requested\nError: Unable to establish IPMI v2 / RMCP+ session\n',
  dead: 'Loading IANA PEN Registry...\nGet Auth Capabilities error\nError issuing Get Channel Authentication Capabilities request\nError: Unable to establish IPMI v2 / RMCP+ session\n',
  noName:
    'Address lookup for nosuch.invalid failed\nCould not open socket!\nError: Unable to establish IPMI v2 / RMCP+ session\n',
  full: 'Error in open session response message : insufficient resources for session\nError: Unable to establish IPMI v2 / RMCP+ session\n',
  state: 'Set Chassis Power Control to Cycle failed: Command not supported in present state\n',
  unknown: 'Set Chassis Power Control to Diag failed: Invalid data field in request\n',
  busy: 'Get Device ID command failed: 0xc0 Node busy\n',
  odd: 'Loading IANA PEN Registry...\nRunning Get VSO Capabilities my_addr 0x20, transit 0, target 0x20\nInvalid completion code received: Invalid command\nDiscovered IPMB address 0x0\nsomething nobody has seen\n',
};

function failed(stderr: string): CommandResult {
  return { kind: 'exited', code: 1, stdout: '', stderr };
}

/** A driver over answers given by hand; keeps the commands that it was handed. */
function driverWith(answer: (command: Command, suite: string) => CommandResult) {
  const commands: Command[] = [];
  const driver = createIpmiDriver((command) => {
    commands.push(command);
    return Promise.resolve(answer(command, command.args[command.args.indexOf('-C') + 1] ?? ''));
  });
  return { driver, commands, suites: () => commands.map(({ args }) => args[args.indexOf('-C') + 1]) };
}

const fine: CommandResult = { kind: 'exited', code: 0, stdout: 'Chassis Power is on\n', stderr: '' };

test.each([
  ['badSuite', 'cipher', /cipher suite/],
  ['noSuite', 'cipher', /cipher suite/],
  ['badUser', 'auth', /does not know this user/],
  ['badPassword', 'auth', /refuses the password/],
  ['badPrivilege', 'auth', /ADMINISTRATOR/],
  ['dead', 'unreachable', /does not answer IPMI over LAN/],
  ['noName', 'unreachable', /cannot be resolved/],
  ['full', 'refused', /sessions of the BMC are in use/],
  ['state', 'refused', /present power state/],
  ['unknown', 'refused', /does not support/],
  ['busy', 'refused', /try again later/],
  ['odd', 'refused', /ipmitool failed: something nobody has seen/],
] as const)('ipmitool saying %s is %s', (what, reason, message) => {
  const error = readIpmiError(written[what]);
  expect(error.reason).toBe(reason);
  expect(error.message).toMatch(message);
});

test('the password goes by the environment, never among the arguments', async () => {
  const { driver, commands } = driverWith(() => fine);
  expect(await driver.act(config, 'powerStatus', never)).toMatchObject({ ok: true, power: 'on' });
  expect(commands).toHaveLength(1);
  expect(commands[0]?.env).toEqual({ IPMI_PASSWORD: 'secret' });
  expect(commands[0]?.args).not.toContain('secret');
  expect(commands[0]?.args).toEqual([
    ...['-v', '-I', 'lanplus', '-H', '192.0.2.7', '-p', '623', '-U', 'admin', '-E', '-C', '17', '-N', '1', '-R', '2'],
    ...['chassis', 'power', 'status'],
  ]);
});

test('cipher suite 17 is tried first, then 3, and the one that worked is remembered', async () => {
  const { driver, suites } = driverWith((_command, suite) => (suite === '3' ? fine : failed(written.badSuite)));
  await driver.act(config, 'powerOn', never);
  await driver.act(config, 'powerOff', never);
  await driver.act({ ...config, host: '192.0.2.8' }, 'powerOff', never);
  expect(suites()).toEqual(['17', '3', '3', '17', '3']);
});

test('a remembered suite that no longer works is looked for again', async () => {
  let accepted = '3';
  const { driver, suites } = driverWith((_command, suite) => (suite === accepted ? fine : failed(written.badSuite)));
  await driver.act(config, 'powerOn', never);
  accepted = '17';
  await driver.act(config, 'powerOn', never);
  await driver.act(config, 'powerOn', never);
  expect(suites()).toEqual(['17', '3', '3', '17', '17']);
});

test('a configured suite is the only one that is tried', async () => {
  const { driver, suites } = driverWith(() => failed(written.badSuite));
  const result = await driver.act({ ...config, cipherSuite: 8 }, 'powerOn', never);
  expect(result).toMatchObject({
    ok: false,
    reason: 'refused',
    message: expect.stringContaining('(tried 8)') as string,
  });
  expect(suites()).toEqual(['8']);
});

test.each([
  ['badPassword', 'auth'],
  ['dead', 'unreachable'],
] as const)('%s ends it at the first suite', async (what, reason) => {
  const { driver, suites } = driverWith(() => failed(written[what]));
  expect(await driver.act(config, 'powerOn', never)).toMatchObject({ ok: false, reason });
  expect(suites()).toEqual(['17']);
});

test('a missing ipmitool names the package', async () => {
  const { driver } = driverWith(() => ({ kind: 'missing' }));
  const result = await driver.act(config, 'powerOn', never);
  expect(result).toMatchObject({ message: expect.stringContaining('apt-get install ipmitool') as string });
});

test('the deadline is told with the BMC it was for', async () => {
  const { driver } = driverWith(() => ({ kind: 'killed', why: 'deadline', stderr: '' }));
  expect(await driver.act({ ...config, port: 6230 }, 'powerOn', never)).toEqual({
    ok: false,
    reason: 'timeout',
    message: 'BMC 192.0.2.7 port 6230: no answer before the deadline',
  });
});

test('a status that is none is refused', async () => {
  const { driver } = driverWith(() => ({ kind: 'exited', code: 0, stdout: 'what?', stderr: '' }));
  expect(await driver.act(config, 'powerStatus', never)).toMatchObject({ ok: false, reason: 'refused' });
});

test('UEFI boot devices are set on request', async () => {
  const { driver, commands } = driverWith(() => fine);
  await driver.act({ ...config, efi: true }, 'setBootPxe', never);
  await driver.act({ ...config, efi: true }, 'powerOn', never);
  expect(commands.map(({ args }) => args.includes('options=efiboot'))).toEqual([true, false]);
});

test.each([
  [{ ...config, host: '-x' }, 'host'],
  [{ ...config, host: 'a b' }, 'host'],
  [{ ...config, host: '' }, 'host'],
  [{ ...config, user: '' }, 'user'],
  [{ ...config, password: 'x'.repeat(21) }, 'password'],
  [{ ...config, cipherSuite: 0 }, 'cipherSuite'],
  [{ user: 'a', password: 'b' }, 'host'],
])('settings %j are refused at %s', (settings, key) => {
  const parsed = ipmiService.config.safeParse(settings);
  expect(parsed.error?.issues.map((issue) => issue.path[0])).toEqual([key]);
});

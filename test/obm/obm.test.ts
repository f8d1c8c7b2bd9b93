import { createLog } from '../../src/log.ts';
import type { NewFact } from '../../src/model/fact.ts';
import { parseNetwork } from '../../src/net/address.ts';
import { createBmcUser } from '../../src/obm/bmc-user.ts';
import { createLanes } from '../../src/obm/lanes.ts';
import { createObm } from '../../src/obm/obm.ts';
import { checkObmConfig, publicObmConfig, sealObmConfig } from '../../src/obm/registry.ts';
import type { Command, CommandResult } from '../../src/obm/run-command.ts';
import { sealerOf } from '../../src/secrets/seal.ts';
import type { OpenStore } from '../../src/store/collections.ts';
import { openSqliteStore } from '../../src/store/sqlite/store.ts';

const sealer = sealerOf({
  file: 'test',
  keys: [{ id: '00112233', createdAt: '2026-01-01T00:00:00.000Z', key: Buffer.alloc(32, 7).toString('base64') }],
});
const never = new AbortController().signal;
const now = (): Date => new Date('2026-03-01T12:00:00.000Z');
const bmcMac = '52:54:00:78:01:00';
let open: OpenStore;
let facts: NewFact[] = [];
let commands: Command[] = [];
let answer: (command: Command) => CommandResult | Promise<CommandResult>;
const ok: CommandResult = { kind: 'exited', code: 0, stdout: 'Chassis Power is off', stderr: '' };

beforeEach(async () => {
  open = await openSqliteStore({ path: ':memory:', now });
  facts = [];
  commands = [];
  answer = () => ok;
});
afterEach(async () => {
  await open.close();
});

function make() {
  const record = (fact: NewFact): void => void facts.push(fact);
  const networks = [parseNetwork('192.0.2.0/24')];
  const run = async (command: Command): Promise<CommandResult> => {
    commands.push(command);
    return await answer(command);
  };
  const { store } = open;
  const obm = createObm({ store, sealer, record, run, log: createLog('silent'), now, networks });
  return { obm, user: createBmcUser({ store, sealer, obm, record, user: 'rackwright', networks }) };
}

async function give(nodeId: string, config: Record<string, unknown>, service = 'ipmi-obm-service'): Promise<void> {
  const sealed = sealObmConfig(service, config, sealer);
  await open.store.obms.insert({ nodeId, service, config: sealed, key: `${nodeId}|${service}` });
}

const settings = { host: '198.51.100.9', user: 'admin', password: 'secret' };
const hostOf = ({ args }: Command): string | undefined => args[args.indexOf('-H') + 1];

describe('a command', () => {
  test('goes to the host with the opened password, and leaves a fact', async () => {
    await give('n1', settings);
    expect(await make().obm.act('n1', 'powerOn', never)).toMatchObject({ ok: true });
    expect(commands[0]?.env).toEqual({ IPMI_PASSWORD: 'secret' });
    expect(facts).toEqual([
      {
        kind: 'bmc.command',
        how: 'bmc',
        text: 'power on: accepted',
        nodeId: 'n1',
        at: '2026-03-01T12:00:00.000Z',
        address: '198.51.100.9',
        data: { action: 'powerOn', service: 'ipmi-obm-service' },
      },
    ]);
  });

  test('asking for the state leaves none', async () => {
    await give('n1', settings);
    expect(await make().obm.act('n1', 'powerStatus', never)).toMatchObject({ ok: true, power: 'off' });
    expect(facts).toEqual([]);
  });

  test('that fails says why, as a value and as a fact', async () => {
    await give('n1', settings);
    answer = () => ({ kind: 'exited', code: 1, stdout: '', stderr: '> RAKP 2 HMAC is invalid' });
    expect(await make().obm.act('n1', 'reset', never)).toMatchObject({ ok: false, reason: 'auth' });
    expect(facts).toMatchObject([{ kind: 'bmc.failed', data: { action: 'reset', reason: 'auth' } }]);
  });

  test('for a node without a controller says how to set one', async () => {
    const result = await make().obm.act('n1', 'powerOn', never);
    expect(result).toMatchObject({
      ok: false,
      reason: 'no-obm',
      message: expect.stringContaining('/nodes/n1/obm') as string,
    });
    await give('n1', {}, 'noop-obm-service');
    expect(await make().obm.act('n1', 'powerOn', never, 'ipmi-obm-service')).toMatchObject({ reason: 'no-obm' });
    expect(await make().obm.act('n1', 'powerStatus', never)).toEqual({ ok: true });
  });

  test('whose secret cannot be opened is refused, not thrown', async () => {
    await give('n1', { ...settings, password: 'sealed:v1:ffffffff:AAAABBBBCCCCDDDDEEEEFFFFGGGGHHHHIIIIJJJJ' });
    const result = await make().obm.act('n1', 'powerOn', never);
    expect(result).toMatchObject({ ok: false, message: expect.stringContaining('sealed with key ffffffff') as string });
  });
});

describe('a host that is a MAC', () => {
  test('is looked up', async () => {
    await give('n1', { ...settings, host: bmcMac.toUpperCase() });
    await open.store.lookups.insert({ macAddress: bmcMac, ipAddress: '192.0.2.33' });
    expect(await make().obm.act('n1', 'powerOn', never)).toMatchObject({ ok: true });
    expect(commands.map(hostOf)).toEqual(['192.0.2.33']);
  });

  test('without an address is unreachable', async () => {
    await give('n1', { ...settings, host: bmcMac });
    expect(await make().obm.act('n1', 'powerOn', never)).toMatchObject({ ok: false, reason: 'unreachable' });
  });

  test('with an address outside the BMC networks gets no password', async () => {
    await give('n1', { ...settings, host: bmcMac });
    await open.store.lookups.insert({ macAddress: bmcMac, ipAddress: '203.0.113.6' });
    const result = await make().obm.act('n1', 'powerOn', never);
    expect(result).toMatchObject({ ok: false, message: expect.stringContaining('outside bmc.networks') as string });
    expect(commands).toEqual([]);
  });
});

describe('commands to one BMC', () => {
  test('are sent one after another, those to others side by side', async () => {
    await give('n1', settings);
    await give('n2', { ...settings, host: '198.51.100.10' });
    const releases: (() => void)[] = [];
    answer = async () => {
      await new Promise<void>((resolve) => releases.push(resolve));
      return ok;
    };
    const { obm } = make();
    const all = Promise.all([
      obm.act('n1', 'powerOff', never),
      obm.act('n1', 'powerOn', never),
      obm.act('n2', 'reset', never),
    ]);
    while (commands.length < 2) await new Promise(setImmediate);
    expect(commands.map(hostOf)).toEqual(['198.51.100.9', '198.51.100.10']);
    while (commands.length < 3 || releases.length > 0) {
      releases.shift()?.();
      await new Promise(setImmediate);
    }
    await all;
    expect(commands[2]?.args.at(-1)).toBe('on');
  });

  test('wait in a line that is not endless, and leave it when they are given up', async () => {
    const lanes = createLanes(2);
    let release = (): void => undefined;
    const first = lanes.run(
      'a',
      never,
      () =>
        new Promise<string>(
          (resolve) =>
            (release = () => {
              resolve('done');
            }),
        ),
    );
    const caller = new AbortController();
    const second = lanes.run('a', caller.signal, () => Promise.resolve('never'));
    expect(await lanes.run('a', never, () => Promise.resolve('x'))).toBe('full');
    caller.abort();
    await Promise.resolve();
    release();
    expect(await first).toBe('done');
    expect(await second).toBe('aborted');
    expect(await lanes.run('a', never, () => Promise.resolve('x'))).toBe('x');
  });

  test('that fail let the next one go', async () => {
    const lanes = createLanes(5);
    const bad = lanes.run('a', never, () => Promise.reject(new Error('bad')));
    const good = lanes.run('a', never, () => Promise.resolve('good'));
    await expect(bad).rejects.toThrow('bad');
    expect(await good).toBe('good');
  });
});

describe('our own user', () => {
  test('is proposed once, then proven by a login with that very password', async () => {
    const { user } = make();
    expect(await user.propose('n1')).toEqual({ user: 'rackwright' });
    const password = await user.secret('n1', 'bmc-password');
    await user.propose('n1');
    expect(await user.secret('n1', 'bmc-password')).toBe(password);
    expect(await user.secret('n1', 'bmc-user')).toBe('rackwright');
    expect(await user.secret('n1', 'other')).toBeUndefined();
    const stored = await open.store.bmcCredentials.get('n1');
    expect(stored).toMatchObject({ state: 'proposed' });
    expect(JSON.stringify(stored)).not.toContain(password);

    expect(await user.prove('n1', '192.0.2.40', never)).toEqual({ ok: true });
    expect(commands[0]?.env).toEqual({ IPMI_PASSWORD: password });
    expect(await open.store.bmcCredentials.get('n1')).toMatchObject({ state: 'proven' });
    const obms = (await open.store.obms.find({ where: { nodeId: 'n1' } })).items;
    expect(obms).toMatchObject([{ service: 'ipmi-obm-service', config: { host: '192.0.2.40', user: 'rackwright' } }]);
    expect(JSON.stringify(obms)).not.toContain(password);
    expect(facts.map((fact) => fact.kind)).toEqual(['bmc.proposed', 'bmc.proven']);

    // The BMC got another address: the same user, proven again.
    expect(await user.prove('n1', '192.0.2.41', never)).toEqual({ ok: true });
    await make().obm.act('n1', 'powerOn', never);
    expect(hostOf(commands.at(-1)!)).toBe('192.0.2.41');
  });

  test.each([
    ['203.0.113.5', 'outside-networks'],
    ['0.0.0.0', 'no-address'],
    ['', 'no-address'],
    ['192.0.2.40; reboot', 'no-address'],
  ])('at %p is not logged in (%s)', async (address, reason) => {
    const { user } = make();
    await user.propose('n1');
    expect(await user.prove('n1', address, never)).toMatchObject({ ok: false, reason });
    expect(commands).toEqual([]);
    expect(await open.store.bmcCredentials.get('n1')).toMatchObject({ state: 'proposed' });
  });

  test('whose login fails is not proven, and the node gets no OBM', async () => {
    const { user } = make();
    await user.propose('n1');
    answer = () => ({ kind: 'exited', code: 1, stdout: '', stderr: '> RAKP 2 HMAC is invalid' });
    expect(await user.prove('n1', '192.0.2.40', never)).toMatchObject({ ok: false, reason: 'auth' });
    expect(await open.store.obms.count()).toBe(0);
    expect(facts.at(-1)).toMatchObject({ kind: 'bmc.failed', data: { reason: 'auth' } });
  });

  test('does not replace the settings of an operator', async () => {
    await give('n1', settings);
    const { user } = make();
    await user.propose('n1');
    expect(await user.prove('n1', '192.0.2.40', never)).toEqual({ ok: true });
    expect((await open.store.obms.find({})).items).toMatchObject([{ config: { host: '198.51.100.9', user: 'admin' } }]);
  });

  test('that was never proposed cannot be proven', async () => {
    expect(await make().user.prove('n1', '192.0.2.40', never)).toMatchObject({ ok: false, reason: 'not-proposed' });
  });
});

describe('settings', () => {
  test('are checked by service', () => {
    expect(checkObmConfig('ipmi-obm-service', settings)).toMatchObject({ ok: true });
    expect(checkObmConfig('ipmi-obm-service', {})).toMatchObject({
      ok: false,
      message: expect.stringContaining('config.host') as string,
    });
    expect(checkObmConfig('magic-obm-service', {})).toEqual({
      ok: false,
      message: 'no such OBM service: magic-obm-service',
    });
  });

  test('are sealed once, and shown without secrets', () => {
    const sealed = sealObmConfig('ipmi-obm-service', settings, sealer);
    expect(sealer.open(String(sealed.password))).toBe('secret');
    expect(sealObmConfig('ipmi-obm-service', sealed, sealer)).toEqual(sealed);
    expect(publicObmConfig('ipmi-obm-service', sealed)).toEqual({ host: '198.51.100.9', user: 'admin' });
  });
});

import type { NewFact } from '../../../src/model/fact.ts';
import type { Node } from '../../../src/model/node.ts';
import type { OpenStore } from '../../../src/store/collections.ts';
import { openSqliteStore } from '../../../src/store/sqlite/store.ts';
import type { EffectInput, EffectJob, PowerAction, PowerResult, Services } from '../../../src/workflows/job.ts';
import { bmcPropose } from '../../../src/workflows/tasks/bmc-propose.ts';
import { bmcProve } from '../../../src/workflows/tasks/bmc-prove.ts';
import { obmNode } from '../../../src/workflows/tasks/obm.ts';

const mac = '52:54:00:77:01:00';
const job = obmNode as unknown as EffectJob<{ action: string }>;
let open: OpenStore;
let power: 'on' | 'off' = 'off';
let sent: PowerAction[] = [];
let proofs: string[] = [];
/** Each look at the clock is a minute and a half later: waits end without waiting. */
let clock = Date.parse('2026-03-01T12:00:00.000Z');
const now = (): Date => new Date((clock += 90_000));

beforeEach(async () => {
  open = await openSqliteStore({ path: ':memory:' });
  power = 'off';
  sent = [];
  proofs = [];
  clock = Date.parse('2026-03-01T12:00:00.000Z');
});
afterEach(async () => {
  await open.close();
});

/** A BMC with real effects. */
function bmc(action: PowerAction): PowerResult {
  if (action !== 'powerStatus') sent.push(action);
  if (action === 'powerOn' || action === 'powerCycle') power = 'on';
  if (action === 'powerOff') power = 'off';
  return action === 'powerStatus' ? { ok: true, power } : { ok: true, output: action };
}

function input(action: string, act: (action: PowerAction) => PowerResult = bmc): EffectInput<{ action: string }> {
  const services: Services = {
    store: open.store,
    obm: { act: (_node, asked) => Promise.resolve(act(asked)) },
    bmc: {
      propose: () => Promise.resolve({ user: 'rackwright' }),
      prove: (_node, address) => {
        proofs.push(address);
        return Promise.resolve({ ok: true });
      },
    },
    deploy: { prepare: () => Promise.reject(new Error('no deploy here')), open: (sealed) => sealed },
    record: () => undefined,
    secrets: { resolve: () => Promise.resolve(undefined) },
  };
  const node = { id: 'n', identifiers: [mac] } as unknown as Node;
  const signal = new AbortController().signal;
  return { runId: 'r', label: 'power', attempt: 1, node, options: { action }, context: {}, signal, services, now };
}

const verify = async (action: string) => await job.verify?.({ ...input(action), attempt: 2 });
const interrupt = (action: string) => (typeof job.onInterrupt === 'function' ? job.onInterrupt({ action }) : '');

describe('a power command', () => {
  test.each([
    ['powerOn', 'off', ['powerOn'], 'on'],
    ['powerOff', 'on', ['powerOff'], 'off'],
    ['reboot', 'on', ['powerCycle'], 'on'],
    ['reboot', 'off', ['powerOn'], 'on'],
    ['reset', 'on', ['reset'], 'on'],
    ['reset', 'off', ['powerOn'], 'on'],
    ['softReset', 'on', ['soft'], 'on'],
    ['forceBootPxe', 'off', ['setBootPxe'], 'off'],
    ['identifyBlink', 'off', ['identifyOn'], 'off'],
  ] as const)('%s of a machine that is %s sends %j and leaves it %s', async (action, before, commands, after) => {
    power = before;
    expect(await job.run(input(action))).toMatchObject({ ok: true });
    expect(sent).toEqual(commands);
    expect(power).toBe(after);
  });

  test.each(['setBootPxe', 'reboot'])('%s of a node without a controller is asked of an operator', async (action) => {
    const facts: NewFact[] = [];
    const none = (): PowerResult => ({ ok: false, reason: 'no-obm', message: 'the node has no power settings' });
    const { services, ...rest } = input(action, none);
    const asked = { ...rest, services: { ...services, record: (fact: NewFact) => facts.push(fact) } };
    expect(await job.run(asked)).toMatchObject({ ok: false, reason: 'no-obm' });
    const options = { action, byHand: 'switch it on' };
    expect(await job.run({ ...asked, options })).toMatchObject({ ok: true });
    const [fact, ...others] = facts;
    expect(fact).toMatchObject({ kind: 'run.by-hand', nodeId: 'n', runId: 'r', id: 'r/power/1/by-hand' });
    expect(fact?.text).toBe('the node has no power controller: switch it on');
    expect(others).toEqual([]);
  });

  test('a controller that does not answer is not worked around by hand', async () => {
    const away = (): PowerResult => ({ ok: false, reason: 'unreachable', message: 'no answer' });
    const asked = { ...input('reboot', away), options: { action: 'reboot', byHand: 'switch it on' } };
    expect(await job.run(asked)).toMatchObject({ ok: false, reason: 'unreachable' });
  });

  test('that the BMC accepts and does not carry out has failed', async () => {
    const deaf = (action: PowerAction): PowerResult =>
      action === 'powerStatus' ? { ok: true, power: 'off' } : { ok: true };
    expect(await job.run(input('powerOn', deaf))).toMatchObject({ ok: false, reason: 'power' });
  });

  test('that fails says what the BMC said', async () => {
    const refusal = { ok: false, reason: 'auth', message: 'the BMC refuses the password' } as const;
    expect(await job.run(input('powerOn', () => refusal))).toEqual(refusal);
  });

  test('to a controller that does not know the power state is done when it is accepted', async () => {
    expect(await job.run(input('powerOff', () => ({ ok: true })))).toMatchObject({ ok: true });
  });

  test('that no driver has is refused before the run begins', () => {
    expect(job.options.safeParse({ action: 'NMI' }).success).toBe(false);
    expect(job.options.safeParse({ action: 'reboot', obmServiceName: 'ipmi-obm-service' }).success).toBe(true);
  });
});

test.each([
  ['powerOn', 'repeat'],
  ['setBootPxe', 'repeat'],
  ['clearSEL', 'repeat'],
  ['reboot', 'verify'],
  ['reset', 'verify'],
  ['unheard of', 'verify'],
])('interrupted, %s is to %s', (action, what) => {
  expect(interrupt(action)).toBe(what);
});

describe('a reboot that was interrupted', () => {
  const fact = async (more: Partial<NewFact> & Pick<NewFact, 'kind'>): Promise<void> => {
    await open.store.facts.insert({
      how: 'packet',
      text: 't',
      at: new Date(clock + 1e6).toISOString(),
      data: {},
      ...more,
    });
  };

  test('before its command could leave is repeated', async () => {
    power = 'on';
    expect(await verify('reboot')).toBe('repeat');
    expect(sent).toEqual([]);
  });

  test('with nothing to show whether the BMC did it has failed, and is not done twice', async () => {
    power = 'on';
    await job.run(input('reboot'));
    sent = [];
    expect(await verify('reboot')).toMatchObject({ ok: false, reason: 'interrupted' });
    expect(sent).toEqual([]);
  });

  test('and is seen off in the middle of the cycle is switched on', async () => {
    power = 'on';
    await job.run(input('reboot'));
    power = 'off';
    expect(await verify('reboot')).toEqual({ ok: true });
    expect(sent).toEqual(['powerCycle', 'powerOn']);
  });

  test.each<[string, Partial<NewFact> & Pick<NewFact, 'kind'>]>([
    ["the BMC's answer", { kind: 'bmc.command', nodeId: 'n', data: { action: 'powerCycle' } }],
    ['a new boot script', { kind: 'boot.script', nodeId: 'n' }],
    ['its firmware asking', { kind: 'dhcp.discover', mac, data: { stage: 'firmware' } }],
  ])('is done if %s was seen since', async (_what, seen) => {
    power = 'on';
    await job.run(input('reboot'));
    await fact(seen);
    sent = [];
    expect(await verify('reboot')).toEqual({ ok: true });
    expect(sent).toEqual([]);
  });

  test('is not done by an older boot, another command, or an operating system', async () => {
    power = 'on';
    await fact({ kind: 'boot.script', nodeId: 'n', at: '2026-03-01T11:00:00.000Z' });
    await job.run(input('reboot'));
    await fact({ kind: 'bmc.command', nodeId: 'n', data: { action: 'setBootPxe' } });
    await fact({ kind: 'dhcp.discover', mac, data: { stage: 'os' } });
    expect(await verify('reboot')).toMatchObject({ ok: false, reason: 'interrupted' });
  });
});

test('a BMC user is proposed to a node whose BMC was cataloged, and to no other', async () => {
  const propose = bmcPropose as unknown as EffectJob<{ action: string }>;
  expect(await propose.run(input(''))).toMatchObject({ ok: false, reason: 'no-catalog' });
  await open.store.catalogs.insert({ nodeId: 'n', source: 'bmc', data: { 'MAC Address': mac }, origin: 'a' });
  expect(await propose.run(input(''))).toEqual({ ok: true, output: { user: 'rackwright' } });
});

describe('the proof of our BMC user', () => {
  const prove = bmcProve as unknown as EffectJob<{ action: string }>;

  test('is a login at the newest cataloged address', async () => {
    for (const [origin, address] of [
      ['a', '192.0.2.1'],
      ['b', '192.0.2.2'],
    ] as const) {
      await open.store.catalogs.insert({ nodeId: 'n', source: 'bmc', data: { 'IP Address': address }, origin });
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    expect(await prove.run(input(''))).toEqual({ ok: true });
    expect(proofs).toEqual(['192.0.2.2']);
  });

  test('needs a catalog with an address', async () => {
    expect(await prove.run(input(''))).toMatchObject({ ok: false, reason: 'no-catalog' });
    await open.store.catalogs.insert({ nodeId: 'n', source: 'bmc', data: 'garbage', origin: 'a' });
    expect(await prove.run(input(''))).toMatchObject({ ok: false, reason: 'no-catalog' });
  });
});

import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createLog } from '../../src/log.ts';
import type { NewFact } from '../../src/model/fact.ts';
import { parseNetwork } from '../../src/net/address.ts';
import { createBmcUser } from '../../src/obm/bmc-user.ts';
import type { ObmAction } from '../../src/obm/driver.ts';
import { createObm } from '../../src/obm/obm.ts';
import { sealObmConfig } from '../../src/obm/registry.ts';
import { createRunCommand, type Command, type RunCommand } from '../../src/obm/run-command.ts';
import { sealerOf } from '../../src/secrets/seal.ts';
import type { OpenStore } from '../../src/store/collections.ts';
import { openSqliteStore } from '../../src/store/sqlite/store.ts';
import type { AgentJob } from '../../src/workflows/job.ts';
import { bmcSet } from '../../src/workflows/tasks/bmc-set.ts';
import { freePort, startIpmiSim, type IpmiSim } from '../support/ipmi-sim.ts';

/** Our OBM against a real IPMI 2.0 implementation, ipmi_sim, by the real ipmitool. */

const never = new AbortController().signal;
const networks = [parseNetwork('127.0.0.0/8')];
const sealer = sealerOf({
  file: 'test',
  keys: [{ id: '00112233', createdAt: '2026-01-01T00:00:00.000Z', key: Buffer.alloc(32, 7).toString('base64') }],
});
let sim: IpmiSim;
let open: OpenStore;
let commands: Command[] = [];
let facts: NewFact[] = [];

beforeEach(async () => {
  [sim, open] = await Promise.all([startIpmiSim(), openSqliteStore({ path: ':memory:' })]);
  commands = [];
  facts = [];
});
afterEach(async () => {
  await Promise.all([sim.stop(), open.close()]);
});

function make() {
  const program = createRunCommand();
  const run: RunCommand = async (command) => {
    commands.push(command);
    return await program(command);
  };
  const record = (fact: NewFact): void => void facts.push(fact);
  const log = createLog('silent');
  const obm = createObm({ store: open.store, sealer, record, run, log, now: () => new Date(), networks });
  return { obm, record };
}

async function give(config: Record<string, unknown>): Promise<void> {
  const service = 'ipmi-obm-service';
  const settings = { host: '127.0.0.1', port: sim.port, user: 'admin', password: 'admin', ...config };
  await open.store.obms.insert({ nodeId: 'n', service, config: sealObmConfig(service, settings, sealer), key: 'n' });
}

const suites = () => commands.map(({ args }) => args[args.indexOf('-C') + 1]);

test('power, boot device and the rest act on the chassis', async () => {
  await give({});
  const { obm } = make();
  const act = async (action: ObmAction) => await obm.act('n', action, never);
  expect(await act('powerStatus')).toMatchObject({ ok: true, power: 'off' });
  expect(await act('setBootPxe')).toMatchObject({ ok: true });
  expect(await act('powerOn')).toMatchObject({ ok: true });
  expect(await act('powerStatus')).toMatchObject({ ok: true, power: 'on' });
  expect(await act('reset')).toMatchObject({ ok: true });
  expect(await act('soft')).toMatchObject({ ok: true });
  expect(await act('setBootDisk')).toMatchObject({ ok: true });
  expect(await act('identifyOn')).toMatchObject({ ok: true });
  expect(await act('identifyOff')).toMatchObject({ ok: true });
  expect(await act('clearSEL')).toMatchObject({ ok: true });
  expect(await act('powerOff')).toMatchObject({ ok: true });
  expect(await act('powerStatus')).toMatchObject({ ok: true, power: 'off' });
  expect(await sim.chassisLog()).toEqual([
    'boot pxe',
    'power 1',
    'reset 1',
    'shutdown 1',
    'boot default',
    'identify 0 1',
    'identify 0 0',
    'power 0',
  ]);
  expect(facts).toHaveLength(9);
});

test('a cycle is off, then on again', async () => {
  await give({});
  const { obm } = make();
  await obm.act('n', 'powerOn', never);
  expect(await obm.act('n', 'powerCycle', never)).toMatchObject({ ok: true });
  while ((await sim.chassisLog()).length < 3) await new Promise((resolve) => setTimeout(resolve, 50));
  expect(await sim.chassisLog()).toEqual(['power 1', 'power 0', 'power 1']);
});

test('cipher suite 17 is refused by this BMC: 3 is found, and tried first from then on', async () => {
  await give({});
  const { obm } = make();
  await obm.act('n', 'powerStatus', never);
  await obm.act('n', 'powerStatus', never);
  expect(suites()).toEqual(['17', '3', '3']);
});

test('a configured cipher suite that the BMC lacks says so', async () => {
  await give({ cipherSuite: 17 });
  const result = await make().obm.act('n', 'powerOn', never);
  expect(result).toMatchObject({
    ok: false,
    reason: 'refused',
    message: expect.stringMatching(/cipherSuite.*tried 17/) as string,
  });
});

test.each([
  [{ password: 'wrong' }, 'auth', /refuses the password/],
  [{ user: 'nobody' }, 'auth', /does not know this user/],
  [{ host: 'no-such-bmc.invalid' }, 'unreachable', /cannot be resolved/],
] as const)('%j is told in words: %s', async (config, reason, message) => {
  await give(config);
  const result = await make().obm.act('n', 'powerOn', never);
  expect(result).toMatchObject({ ok: false, reason, message: expect.stringMatching(message) as string });
  expect(await sim.power()).toBe('off');
});

test('a BMC that is not there is unreachable', async () => {
  await give({ port: await freePort() });
  expect(await make().obm.act('n', 'powerOn', never)).toMatchObject({ ok: false, reason: 'unreachable' });
  expect(suites()).toEqual(['17']);
}, 30_000);

test('a command that is given up ends at once', async () => {
  await give({ port: await freePort() });
  const caller = new AbortController();
  const acting = make().obm.act('n', 'powerOn', caller.signal);
  setTimeout(() => {
    caller.abort();
  }, 100);
  expect(await acting).toMatchObject({
    ok: false,
    reason: 'timeout',
    message: expect.stringContaining('given up') as string,
  });
});

/** Stands for in-band access: the agent's plain `ipmitool`, carried to the BMC over LAN as its administrator. */
async function inBandPath(): Promise<string> {
  const bin = join(sim.folder, 'bin');
  await mkdir(bin);
  const real = '/usr/bin/ipmitool';
  const carrier = `${real} -I lanplus -H 127.0.0.1 -p ${sim.port} -U admin -P admin -C 3`;
  await writeFile(join(bin, 'ipmitool'), `#!/bin/sh\necho "$@" >>${sim.folder}/started\nexec ${carrier} "$@"\n`);
  await chmod(join(bin, 'ipmitool'), 0o755);
  return `${bin}:/usr/bin:/bin`;
}

/** Runs what the agent is given for the BMC's user, and tells the ipmitool commands that were started for it. */
async function setInBand(path: string, env: Record<string, string>): Promise<{ result: unknown; started: string[] }> {
  const { commands: lines } = (bmcSet as AgentJob).agentWork({}, {});
  await writeFile(join(sim.folder, 'started'), '');
  const args = ['-c', lines[0]?.command ?? ''];
  const result = await createRunCommand(path)({ file: 'sh', args, env, timeoutMs: 60_000 });
  const started = (await readFile(join(sim.folder, 'started'), 'utf8')).trim().split('\n');
  expect(`${started.join()} ${JSON.stringify(result)}`).not.toContain(env.BMC_PASSWORD);
  return { result, started };
}

const together = ['-c exec /proc/self/fd/0', 'exec /proc/self/fd/0'];

test('a user whose name one ipmitool could not be told is set step by step, as is one of whom it complains', async () => {
  const env = { BMC_USER: 'rack+wright', BMC_PASSWORD: 'known-to-nobody' };
  const path = await inBandPath();
  const { result, started } = await setInBand(path, env);
  expect(result).toMatchObject({ code: 0, stdout: 'user rack+wright: slot 4, channel 1\n' });
  expect(started).toHaveLength(5);
  // More than the 20 bytes that a password has (IPMI 2.0, 22.30): the one step is named, and nothing after it is done.
  const long = await setInBand(path, { ...env, BMC_USER: 'other', BMC_PASSWORD: 'x'.repeat(21) });
  expect(long.result).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/the BMC refuses the password \(slot 5\)\n$/) as string,
  });
  expect(long.started.slice(0, 2)).toEqual(together);
});

test('our user is proposed, set in band by the agent, and proven over LAN', async () => {
  const { obm, record } = make();
  const onPort: typeof obm.tryOut = (service, config, action, signal) =>
    obm.tryOut(service, { ...(config as object), port: sim.port }, action, signal);
  const bmc = createBmcUser({
    store: open.store,
    sealer,
    obm: { tryOut: onPort },
    record,
    user: 'rackwright',
    networks,
  });
  await bmc.propose('n');
  expect(await bmc.prove('n', '127.0.0.1', never)).toMatchObject({ ok: false, reason: 'auth' });

  const { environment = {} } = (bmcSet as AgentJob).agentWork({}, {});
  const env = Object.fromEntries(
    await Promise.all(
      Object.entries(environment).map(async ([name, value]) => [
        name,
        typeof value === 'string' ? value : await bmc.secret('n', value.secret),
      ]),
    ),
  ) as Record<string, string>;
  const path = await inBandPath();
  // Done again, as after an interruption, it takes the same slot.
  for (let times = 0; times < 2; times += 1) {
    expect(await setInBand(path, env)).toMatchObject({
      result: { kind: 'exited', code: 0, stdout: 'user rackwright: slot 4, channel 1\n', stderr: '' },
      started: together,
    });
  }

  expect(await bmc.prove('n', '127.0.0.1', never)).toEqual({ ok: true });
  expect(facts.map(({ kind }) => kind)).toEqual(['bmc.proposed', 'bmc.failed', 'bmc.proven']);
  const [stored] = (await open.store.obms.find({})).items;
  expect(stored).toMatchObject({ service: 'ipmi-obm-service', config: { user: 'rackwright', host: '127.0.0.1' } });
  // The stored settings alone switch the machine on.
  const config = { ...stored?.config, port: sim.port, password: sealer.open(String(stored?.config.password)) };
  expect(await obm.tryOut('ipmi-obm-service', config, 'powerOn', never)).toMatchObject({ ok: true });
  expect(await sim.power()).toBe('on');
}, 60_000);

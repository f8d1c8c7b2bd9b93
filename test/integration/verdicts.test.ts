import { execFile } from 'node:child_process';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import type { SimFaults } from '../../src/lab/simnode/node.ts';
import { waitFor } from '../../src/lab/wait.ts';
import { openSqliteStore } from '../../src/store/sqlite/store.ts';
import { parseNetwork } from '../../src/net/address.ts';
import type { Diagnosis } from '../../src/timeline/diagnose.ts';
import { why } from '../../src/timeline/why.ts';
import { openTestWorld, type TestWorld } from '../support/world.ts';

/**
 * Each verdict is made to happen by a machine that goes wrong at one step. What is known at once is asked of the API;
 * where silence has to last, the API says "under way", and the same facts are judged as of ten minutes later.
 */

const home = resolve(import.meta.dirname, '../..');

interface Case {
  readonly name: string;
  readonly fault?: SimFaults;
  /** The machine's last step of the boot. */
  readonly ends: string;
  /** First cause, asked at once. */
  readonly now: string;
  /** First cause ten minutes later. */
  readonly later: string;
}

const cases: readonly Case[] = [
  { name: 'a healthy machine', ends: 'done bmc-set', now: 'all-well', later: 'all-well' },
  {
    name: 'switched on by us, and never asked',
    fault: { silentAfter: 'power on' },
    ends: 'silent',
    now: 'in-progress',
    later: 'never-asked',
  },
  {
    name: 'asked, but another server was chosen',
    fault: { choosesServer: '127.50.0.77' },
    ends: 'no address',
    now: 'other-server',
    later: 'other-server',
  },
  {
    name: 'loader fetched, then silence',
    fault: { silentAfter: 'loader' },
    ends: 'silent',
    now: 'in-progress',
    later: 'loader-silent',
  },
  {
    name: 'script fetched, and the kernel never asked for',
    fault: { silentAfter: 'script' },
    ends: 'silent',
    now: 'in-progress',
    later: 'kernel-failed',
  },
  {
    name: 'kernel fetched, agent silent',
    fault: { silentAfter: 'kernel' },
    ends: 'silent',
    now: 'in-progress',
    later: 'agent-silent',
  },
  {
    name: 'agent rejected',
    fault: { claimsMacs: ['52:54:00:ff:ff:ff'] },
    ends: 'refused',
    now: 'agent-rejected',
    later: 'agent-rejected',
  },
];
const sixVerdicts = ['never-asked', 'other-server', 'loader-silent', 'kernel-failed', 'agent-silent', 'agent-rejected'];
const neverAsked = 1;

const macOf = (world: TestWorld, index: number): string => world.fleet.machines[index]?.node.mac ?? '';
const firstOf = ({ verdicts }: Diagnosis) => verdicts[0];

describe('a rack where every machine but one goes wrong', () => {
  let world: TestWorld;
  const asked: Diagnosis[] = [];
  const askedLater: (Diagnosis | undefined)[] = [];

  beforeAll(async () => {
    world = await openTestWorld({
      number: 20,
      count: cases.length,
      faults: (index) => cases[index]?.fault,
    });
    for (const [index, { node }] of world.fleet.machines.entries()) if (index !== neverAsked) node.powerOn();
    await switchOnByBmc(world, neverAsked);
    for (const [index, { ends }] of cases.entries()) await world.atStep(index, ends);
    await world.allInState('discovered', 1);
    for (const index of cases.keys()) asked.push(await world.json(`/nodes/${macOf(world, index)}/diagnosis`));
    await world.killServer();
    askedLater.push(...(await judgeLater(world)));
  }, 110_000);
  afterAll(() => world.close());

  test.each(cases.map((item, index) => [item.name, index, item] as const))('%s', (_name, index, { now, later }) => {
    const atOnce = asked[index];
    expect(atOnce && firstOf(atOnce)?.cause).toBe(now);
    const verdict = askedLater[index] && firstOf(askedLater[index]);
    expect(verdict?.cause).toBe(later);
    expect(verdict?.why).not.toBe('');
    expect(verdict?.evidence.length).toBeGreaterThan(0);
    expect(verdict?.nextCheck).not.toBe('');
  });

  test('a healthy machine has none of the verdicts of the others', () => {
    const causes = [asked[0], askedLater[0]].flatMap(
      (diagnosis) => diagnosis?.verdicts.map(({ cause }) => cause) ?? [],
    );
    expect(causes.filter((cause) => sixVerdicts.includes(cause))).toEqual([]);
  });

  test('of each that went wrong, one verdict stands above the rest', () => {
    for (const diagnosis of askedLater.slice(1)) {
      expect(diagnosis?.outcome).toBe('stopped');
      const [first, second] = diagnosis?.verdicts ?? [];
      expect(first?.confidence).toBeGreaterThan(second?.confidence ?? 0);
    }
  });
});

test('a machine that nobody ever saw: it never asked', async () => {
  const world = await openTestWorld({ number: 21, count: 0, bmcs: false });
  try {
    const diagnosis = await world.json<Diagnosis>('/nodes/52:54:00:12:34:56/diagnosis');
    expect(firstOf(diagnosis)).toMatchObject({ cause: 'never-asked', outcome: 'stopped' });
    const known = await fetch(`${world.url}/nodes/65f1a2b3c4d5e6f708192a3b/diagnosis`);
    expect(known.status).toBe(404);
  } finally {
    await world.close();
  }
}, 60_000);

test('a server without the kernel: the API and `rackwright why` name the file that is missing', async () => {
  const world = await openTestWorld({
    number: 22,
    count: 1,
    bmcs: false,
    microkernelDir: join(home, 'test/fixtures/microkernel/none'),
  });
  try {
    world.fleet.machines[0]?.node.powerOn();
    const mac = macOf(world, 0);
    const diagnosis = await waitFor(
      'the report of the loader',
      async () => {
        const { items } = await world.json<{ items: { kind: string }[] }>(`/nodes/${mac}/timeline`);
        return items.some(({ kind }) => kind === 'boot.failed')
          ? world.json<Diagnosis>(`/nodes/${mac}/diagnosis`)
          : undefined;
      },
      { deadlineMs: 60_000 },
    );
    expect(firstOf(diagnosis)).toMatchObject({ cause: 'kernel-failed', outcome: 'stopped' });
    expect(firstOf(diagnosis)?.why).toContain('microkernel/vmlinuz');

    const [node] = await world.nodes();
    for (const word of [mac, node?.id ?? '', node?.name ?? '']) {
      const { stdout } = await promisify(execFile)(join(home, 'bin/rackwright'), ['why', word, '--server', world.url]);
      expect(stdout).toMatch(/=> It fetched its script, but the kernel failed \(\d+ %\)/);
      expect(stdout).toContain('This server does not have the file that the script names: microkernel/vmlinuz.');
      expect(stdout).toMatch(/Next check: build the discovery system with `make microkernel`/);
    }
  } finally {
    await world.close();
  }
}, 90_000);

/** A node made by hand whose own BMC we switch on: the only way in which we know of power without a packet. */
async function switchOnByBmc(world: TestWorld, index: number): Promise<void> {
  const machine = world.fleet.machines[index];
  const host = machine?.bmc?.local.address;
  const created = await post(world, '/api/2.0/nodes', {
    name: 'made-by-hand',
    type: 'compute',
    identifiers: [machine?.node.mac],
    obms: [{ service: 'ipmi-obm-service', config: { host, user: 'admin', password: 'admin' } }],
  });
  const { id } = (await created.json()) as { id: string };
  const started = await post(world, `/api/2.0/nodes/${id}/workflows`, { name: 'Graph.PowerOn.Node' });
  const { instanceId } = (await started.json()) as { instanceId: string };
  await waitFor(
    'the power-on workflow',
    async () => {
      const { status } = await world.json<{ status: string }>(`/api/2.0/workflows/${instanceId}`);
      return status === 'succeeded' ? true : undefined;
    },
    { deadlineMs: 60_000 },
  );
}

async function post(world: TestWorld, path: string, body: unknown): Promise<Response> {
  const headers = { 'content-type': 'application/json' };
  const answer = await fetch(`${world.url}${path}`, { method: 'POST', headers, body: JSON.stringify(body) });
  if (!answer.ok) throw new Error(`POST ${path}: ${answer.status} ${await answer.text()}`);
  return answer;
}

/** What the server would say in ten minutes, if nothing more came: the facts that it left, judged as of then. */
async function judgeLater(world: TestWorld): Promise<(Diagnosis | undefined)[]> {
  const { store, close } = await openSqliteStore({ path: join(world.directory, 'data/rackwright.db') });
  try {
    const subnets = [{ network: parseNetwork('127.50.0.0/16'), addresses: true, boot: true }];
    const now = new Date(Date.now() + 10 * 60_000);
    const answers = [...cases.keys()].map((index) => why({ store, nodeIdOrMac: macOf(world, index), subnets, now }));
    return (await Promise.all(answers)).map((answer) => answer?.diagnosis);
  } finally {
    await close();
  }
}

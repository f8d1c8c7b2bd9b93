import { Agent } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { fetchFrom, type HttpAnswer } from '../../src/lab/simnode/http-client.ts';
import { formatQuestion } from '../../src/lab/simnode/dhcp-client.ts';
import { readCpioFile } from '../../src/lab/simnode/cpio.ts';
import { waitFor } from '../../src/lab/wait.ts';
import { openDatagram } from '../../src/net/datagram.ts';
import type { GraphDefinition } from '../../src/model/graph.ts';
import { redisOf, residentBytes } from '../support/server.ts';
import { openTestWorld, type ListedNode, type TestWorld } from '../support/world.ts';

/** What happens to a running server: parts of it that die, machines that lie, vanish, or shout. */

let world: TestWorld;
afterEach(() => world.close());

interface Operation {
  readonly state: string;
  readonly error?: { readonly reason: string; readonly message: string };
}

interface Told {
  readonly kind: string;
  readonly text: string;
  readonly address?: string;
  readonly data: Readonly<Record<string, unknown>>;
}

test('Redis killed in the midst of discoveries: it is started again, and they go on', async () => {
  world = await openTestWorld({ number: 27, count: 4 });
  for (const { node } of world.fleet.machines) node.powerOn();
  await world.atStep(0, 'agent');
  const killed = redisOf(world.directory) ?? 0;
  process.kill(killed, 'SIGKILL');
  await world.allInState('discovered');
  const another = await waitFor('another redis-server', () => redisOf(world.directory), { deadlineMs: 20_000 });
  expect(another).not.toBe(killed);
  for (const { id } of await world.nodes()) {
    expect(await world.json(`/api/2.0/nodes/${id}/obm`)).toMatchObject([{ service: 'ipmi-obm-service' }]);
  }
  await waitFor('health', async () => (await fetch(`${world.url}/healthz`)).status === 200 || undefined, {
    deadlineMs: 20_000,
  });
}, 110_000);

test('a BMC that refuses the password, or does not answer: the run fails and says so', async () => {
  world = await openTestWorld({ number: 28, count: 1 });
  const [machine] = world.fleet.machines;
  machine?.node.powerOn();
  const [node] = await world.allInState('discovered');
  machine?.bmc?.setUser('rackwright', 'changed-by-others');
  const refused = await runOn(node, 'Graph.PowerOff.Node');
  expect(refused.state).toBe('failed');
  expect(refused.error?.message).toMatch(/BMC 127\.58\.192\.1: the BMC refuses the password/);

  Object.assign(machine?.bmc?.faults ?? {}, { dead: true });
  const unanswered = await runOn(node, 'Graph.PowerOff.Node');
  expect(unanswered.state).toBe('failed');
  expect(unanswered.error?.message).toMatch(/BMC 127\.58\.192\.1: the BMC does not answer IPMI over LAN/);
  expect(machine?.node.isOn()).toBe(true);
  const kinds = (await timelineOf(node?.id ?? '')).filter(({ kind }) => kind === 'bmc.failed');
  expect(kinds.map(({ data }) => data.reason)).toEqual(['auth', 'unreachable']);
}, 110_000);

test('a BMC that is dead from the start: the node is discovered, without a way to its power', async () => {
  world = await openTestWorld({ number: 29, count: 1 });
  const [machine] = world.fleet.machines;
  Object.assign(machine?.bmc?.faults ?? {}, { dead: true });
  machine?.node.powerOn();
  const [node] = await world.allInState('discovered');
  expect(await world.json(`/api/2.0/nodes/${node?.id ?? ''}/obm`)).toEqual([]);
  const failed = (await timelineOf(node?.id ?? '')).find(({ kind }) => kind === 'bmc.failed');
  expect(failed?.text).toMatch(/does not answer/);
}, 110_000);

test('a node that vanishes in mid-discovery: its run ends by its deadline, and its next boot starts again', async () => {
  const graph = 'Graph.Discovery.Impatient';
  let vanish = true;
  world = await openTestWorld({
    number: 30,
    count: 1,
    config: { discovery: { graph } },
    onStep: (_index, step) => {
      if (step === 'agent' && vanish) world.fleet.machines[0]?.node.powerOff();
    },
  });
  await putImpatientDiscovery(graph);
  const [machine] = world.fleet.machines;
  machine?.node.powerOn();
  const [node] = await world.allInState('failed-discovery');
  expect(node?.state.reason).toMatch(/task '[\w-]+' timeout: .* within \d+ s/);
  const finished = (await timelineOf(node?.id ?? '')).find(({ kind }) => kind === 'run.finished');
  expect(finished?.text).toMatch(/failed: task '[\w-]+' timeout/);

  vanish = false;
  machine?.node.powerOn();
  const [again] = await world.allInState('discovered');
  expect(again?.id).toBe(node?.id);
  expect(again?.state.reason).toBeUndefined();
}, 110_000);

test('packets that are truncated, mutated, or too many: machines are discovered all the same', async () => {
  world = await openTestWorld({ number: 31, count: 3, bmcs: false });
  const before = residentBytes(world.serverPid());
  const flood = await openFlood('127.61', 21_310);
  try {
    await flood.shout(2000);
    for (const { node } of world.fleet.machines) node.powerOn();
    const shouting = (async () => {
      for (let round = 0; round < 20; round += 1) await flood.shout(500);
    })();
    const [nodes] = await Promise.all([world.allInState('discovered'), shouting]);
    expect(nodes.map(({ summary }) => summary.serial).sort()).toEqual(['SIM00001', 'SIM00002', 'SIM00003']);
    expect(nodes).toHaveLength(3);
    expect((await fetch(`${world.url}/healthz`)).status).toBe(200);
  } finally {
    await flood.close();
  }
  const grown = (residentBytes(world.serverPid()) - before) / 2 ** 20;
  expect(grown).toBeLessThan(256);
}, 110_000);

describe('agents that lie', () => {
  const http = new Agent();
  const post = (from: string, path: string, json: unknown, bearer?: string): Promise<HttpAnswer> =>
    fetchFrom({
      url: `http://127.62.0.1:21321${path}`,
      from,
      method: 'POST',
      json,
      bearer,
      signal: new AbortController().signal,
      agent: http,
    });

  /** The session of a machine that stopped short of its agent, as its own agent would get it. */
  async function takeSession(index: number) {
    const machine = world.fleet.machines[index];
    const mac = machine?.node.mac ?? '';
    const script = (await timelineOf(mac)).findLast(({ kind }) => kind === 'boot.script');
    const from = script?.address ?? '';
    const bootId = String(script?.data.bootId);
    const url = `http://127.62.0.1:21321/boot/${bootId}/identity.cpio`;
    const archive = await fetchFrom({ url, from, signal: new AbortController().signal });
    const identity = JSON.parse(readCpioFile(archive.body, 'rackwright/identity.json') ?? '') as { secret: string };
    const claim = {
      bootId,
      secret: identity.secret,
      kernelBootId: `kernel-${index}`,
      uuid: machine?.uuid,
      macs: [mac],
    };
    const exchanged = await post(from, '/agent/session', claim);
    const { session } = JSON.parse(exchanged.body.toString()) as { session: string };
    return { from, session, claim };
  }

  async function takeWork(from: string, session: string): Promise<string> {
    const answer = await fetchFrom({
      url: 'http://127.62.0.1:21321/agent/work',
      from,
      bearer: session,
      signal: new AbortController().signal,
    });
    return (JSON.parse(answer.body.toString()) as { attempt: string }).attempt;
  }

  beforeEach(async () => {
    world = await openTestWorld({ number: 32, count: 2, bmcs: false, faults: () => ({ silentAfter: 'kernel' }) });
    for (const { node } of world.fleet.machines) node.powerOn();
    for (const index of world.fleet.machines.keys()) await world.atStep(index, 'silent');
  }, 60_000);
  afterAll(() => {
    http.destroy();
  });

  test('garbage, too much, for another node, with another secret: refused, and the work goes on', async () => {
    const one = await takeSession(0);
    const two = await takeSession(1);
    const [attempt, others] = [await takeWork(one.from, one.session), await takeWork(two.from, two.session)];
    const result = { results: [{ code: 0, stdout: '', stderr: '' }] };

    const garbage: unknown[] = [null, [], 'text', { results: 'all fine' }, { results: [{ code: 'zero' }] }];
    for (const body of garbage) {
      expect((await post(one.from, `/agent/attempts/${attempt}`, body, one.session)).status).toBe(400);
      expect((await post(one.from, '/agent/session', body)).status).toBe(400);
    }
    const huge = { results: [{ code: 0, stdout: 'x'.repeat(33 * 1024 * 1024), stderr: '' }] };
    const tooMuch = await post(one.from, `/agent/attempts/${attempt}`, huge, one.session).catch(() => undefined);
    expect([413, undefined]).toContain(tooMuch?.status);

    expect((await post(one.from, `/agent/attempts/${others}`, result, one.session)).status).toBe(409);
    expect((await post(one.from, '/agent/attempts/nothing/like/1', result, one.session)).status).toBe(409);
    expect((await post(one.from, `/agent/attempts/${others}`, result, two.session)).status).toBe(401);
    expect((await post(one.from, '/agent/session', { ...two.claim, kernelBootId: 'mine' })).status).toBe(403);
    expect((await post(one.from, '/agent/session', { ...one.claim, secret: 'x'.repeat(43) })).status).toBe(403);
    const refused = (await timelineOf(world.fleet.machines[0]?.node.mac ?? '')).filter(
      ({ kind }) => kind === 'agent.refused',
    );
    expect(refused.map(({ text }) => text)).toEqual(
      expect.arrayContaining([
        expect.stringContaining("a result of another node's task"),
        expect.stringContaining('the secret is wrong'),
      ]),
    );

    // Nothing of it has touched either run: both attempts are still open, and take their own agent's result.
    expect((await post(two.from, `/agent/attempts/${others}`, result, two.session)).status).toBe(204);
    expect((await post(one.from, `/agent/attempts/${attempt}`, result, one.session)).status).toBe(204);
    expect((await post(one.from, `/agent/attempts/${attempt}`, result, one.session)).status).toBe(204);
  }, 60_000);

  test('output that no parser understands: the discovery fails and says which', async () => {
    const { from, session } = await takeSession(0);
    const nonsense = '\u0000\u001b[2J{"$where": ".."}'.repeat(1000);
    const ended = waitFor('the end of the discovery', () => failedNode(), { deadlineMs: 30_000 });
    const attempt = await takeWork(from, session);
    const results = [{ code: 0, stdout: nonsense, stderr: nonsense }];
    expect((await post(from, `/agent/attempts/${attempt}`, { results }, session)).status).toBe(204);
    const node = await ended;
    expect(node.state.reason).toMatch(/task 'catalog' failed/);
    const failed = (await timelineOf(node.id)).find(({ kind }) => kind === 'catalog.failed');
    expect(failed?.text).toMatch(/dmi/);
  }, 60_000);
});

async function failedNode(): Promise<ListedNode | undefined> {
  return (await world.nodes()).find(({ state }) => state.name === 'failed-discovery');
}

async function timelineOf(word: string): Promise<Told[]> {
  return (await world.json<{ items: Told[] }>(`/nodes/${word}/timeline`)).items;
}

/** Runs a graph on a node to its end. */
async function runOn(node: ListedNode | undefined, graph: string): Promise<Operation> {
  const headers = { 'content-type': 'application/json' };
  const started = await fetch(`${world.url}/nodes/${node?.id ?? ''}/workflows`, {
    method: 'POST',
    headers,
    body: JSON.stringify({ graph }),
  });
  expect(started.status).toBe(202);
  const place = started.headers.get('location') ?? '';
  return waitFor(
    `the end of ${graph}`,
    async () => {
      const operation = await world.json<Operation>(place);
      return operation.state === 'running' ? undefined : operation;
    },
    { deadlineMs: 60_000 },
  );
}

/** Our discovery under another name, where no agent's task may take longer than three seconds. */
async function putImpatientDiscovery(injectableName: string): Promise<void> {
  const shipped = await world.json<GraphDefinition[]>('/api/2.0/workflows/graphs/Graph.Discovery.Rackwright');
  const [definition] = shipped;
  const graph = { ...definition, injectableName, options: { defaults: { _taskTimeout: 3000 } } };
  const headers = { 'content-type': 'application/json' };
  const body = JSON.stringify(graph);
  const put = await fetch(`${world.url}/api/2.0/workflows/graphs`, { method: 'PUT', headers, body });
  expect(put.status).toBe(201);
}

/** Sends DHCP and TFTP as nobody should, from an address of the boot network: the same bytes at each run. */
async function openFlood(network: string, base: number) {
  const ignore = (): void => undefined;
  const from = `${network}.0.9`;
  const socket = await openDatagram({ address: from, port: 0, onDatagram: ignore, onError: ignore });
  const dhcp = { address: `${network}.0.1`, port: base + 2 };
  const tftp = { address: `${network}.0.1`, port: base + 4 };
  let seed = 1;
  // A linear congruential generator (Numerical Recipes).
  const random = (below: number): number => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    return seed % below;
  };
  const hex = (): string => random(256).toString(16).padStart(2, '0');
  const question = (): Uint8Array =>
    formatQuestion({
      type: (['discover', 'request', 'decline', 'release'] as const)[random(4)] ?? 'discover',
      xid: random(2 ** 32),
      mac: `02:00:${hex()}:${hex()}:${hex()}:${hex()}`,
      uuid: '5a5a0000-0000-4000-8000-00000000ffff',
      arch: random(32),
      stage: random(2) === 0 ? 'firmware' : 'ipxe',
      relay: `${network}.0.2`,
      requested: `${network}.${random(256)}.${random(256)}`,
    });
  const mutated = (bytes: Uint8Array): Uint8Array => {
    const copy = Uint8Array.from(bytes);
    for (let changes = random(8); changes >= 0; changes -= 1) copy[random(copy.length)] = random(256);
    return copy.subarray(0, random(2) === 0 ? copy.length : random(copy.length));
  };
  const noise = (): Uint8Array => Uint8Array.from({ length: random(1400) }, () => random(256));
  const request = (): Uint8Array => {
    const name = ['undionly.kpxe', '../../../etc/passwd', 'x'.repeat(400), 'undionly.kpxe\0octet\0blksize\x000'][
      random(4)
    ];
    return mutated(new TextEncoder().encode(`\0${String.fromCharCode(random(7))}${name ?? ''}\0octet\0tsize\x000\0`));
  };
  return {
    async shout(count: number) {
      for (let index = 0; index < count; index += 1) {
        const to = random(2) === 0 ? dhcp : tftp;
        const kinds = to === dhcp ? [question, () => mutated(question()), noise] : [request, noise];
        await socket.send(kinds[random(kinds.length)]?.() ?? noise(), to).catch(ignore);
      }
      await sleep(10);
    },
    close: () => socket.close(),
  };
}

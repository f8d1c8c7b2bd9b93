import { createFactLog } from '../../src/events/log.ts';
import { createLog } from '../../src/log.ts';
import type { Node } from '../../src/model/node.ts';
import { parseNetwork } from '../../src/net/address.ts';
import type { OpenStore } from '../../src/store/collections.ts';
import { openSqliteStore } from '../../src/store/sqlite/store.ts';
import { renderWhy } from '../../src/timeline/render.ts';
import { why } from '../../src/timeline/why.ts';
import { address, healthy, mac, nodeId, start, step, uuid } from '../support/boot-facts.ts';

const subnets = [{ network: parseNetwork('172.31.128.0/24'), addresses: true, boot: true }];
const bmcMac = '52:54:00:78:01:00';
let open: OpenStore;

beforeEach(async () => {
  open = await openSqliteStore({ path: ':memory:' });
});
afterEach(async () => {
  await open.close();
});

async function tell(steps: (typeof healthy)[string]): Promise<void> {
  const log = createFactLog({ store: open.store, now: () => new Date(start), log: createLog('silent') });
  await log.append(steps.map(([seconds, fact]) => ({ ...fact, at: new Date(start + seconds * 1000).toISOString() })));
  await log.stop();
}

async function enrol(id: string, more: Partial<Node> = {}): Promise<void> {
  await open.store.nodes.insert({
    id,
    name: `node ${id.slice(-2)}`,
    type: 'compute',
    identifiers: [mac],
    state: { name: 'discovering', since: new Date(start).toISOString() },
    summary: {},
    tags: [],
    autoDiscover: true,
    relations: [],
    uuid,
    ...more,
  });
}

const ask = (nodeIdOrMac: string, seconds: number) =>
  why({ store: open.store, nodeIdOrMac, subnets, now: new Date(start + seconds * 1000) });

test('a node is told by id and by MAC, with what came before it was enrolled', async () => {
  await tell([...(healthy.script ?? []), [26, step.fileFailed('microkernel/vmlinuz', 404)]]);
  await enrol(nodeId);
  for (const name of [nodeId, mac, mac.toUpperCase()]) {
    const answer = await ask(name, 30);
    expect(answer?.diagnosis).toMatchObject({
      node: nodeId,
      outcome: 'stopped',
      boot: { beganBy: 'power', facts: 13 },
    });
    expect(answer?.diagnosis.verdicts[0]?.cause).toBe('kernel-failed');
  }
});

test('a machine that is no node is told by its MAC', async () => {
  await tell([
    [0, step.discover('firmware')],
    [0.1, step.ignored('it is on no network that we serve')],
  ]);
  const answer = await ask(mac, 30);
  expect(answer?.diagnosis).toMatchObject({ name: mac, outcome: 'stopped' });
  expect(answer?.diagnosis.verdicts[0]?.cause).toBe('not-answered');
  expect(answer?.diagnosis.node).toBeUndefined();
});

test('an unknown node is no machine, an unseen MAC is one that was never seen', async () => {
  expect(await ask('65f1a2b3c4d5e6f708192aff', 30)).toBeUndefined();
  expect((await ask('02:00:00:00:00:01', 30))?.diagnosis).toMatchObject({ verdicts: [{ cause: 'never-asked' }] });
});

test('what the BMC asks for itself is no boot of its node', async () => {
  await enrol(nodeId, { summary: { bmcMac } });
  await open.store.lookups.insert({ macAddress: bmcMac, node: nodeId });
  await tell([[0, step.discover('os', bmcMac)]]);
  expect((await ask(nodeId, 30))?.timeline.facts).toEqual([]);
});

test('a MAC or UUID that two nodes have joins to neither', async () => {
  const own = '52:54:00:77:09:00';
  await enrol(nodeId, { identifiers: [mac, own] });
  await enrol('65f1a2b3c4d5e6f708192aff', { identifiers: [mac] });
  await tell([
    [0, step.discover('firmware')],
    [1, step.discover('os', own)],
  ]);
  expect((await ask(nodeId, 30))?.timeline.facts.map((fact) => fact.mac)).toEqual([own]);
});

test("the switch of the machine's subnet is known", async () => {
  await tell([
    [0, step.discover('firmware')],
    [1, step.otherServer()],
  ]);
  const answer = await why({
    store: open.store,
    nodeIdOrMac: mac,
    subnets: [{ ...subnets[0]!, boot: false }],
    now: new Date(start + 30_000),
  });
  expect(answer?.diagnosis.verdicts[0]).toMatchObject({
    cause: 'not-answered',
    evidence: [{}, { text: expect.stringContaining('`boot` is off') as string }],
  });
});

test('the print shows the steps, the verdict, and nothing that steers a terminal', async () => {
  await enrol(nodeId, { name: 'rack 1\u001b[2J' });
  await tell([...(healthy.script ?? []), [26, step.fileFailed('microkernel/vmlinuz', 404)]]);
  const answer = await ask(nodeId, 86);
  const lines = answer ? renderWhy(answer.timeline, answer.diagnosis) : [];
  expect(lines.slice(0, 4)).toEqual([
    `rack 1?[2J (node ${nodeId})`,
    'boot 1, begun 2026-03-01T12:00:00.000Z, 86 s ago (switched on by us)',
    '+    0.0 s  powerOn: accepted [bmc]',
    '+   20.0 s  firmware asked for an address',
  ]);
  expect(lines.slice(-7)).toEqual([
    '+   26.0 s  microkernel/vmlinuz is not there (404)',
    '',
    '=> It fetched its script, but the kernel failed (97 %)',
    '   This server does not have the file that the script names: microkernel/vmlinuz.',
    '   - script: boot discovery, the node is new, 61 s ago',
    '   - microkernel/vmlinuz is not there (404), 60 s ago',
    '   Next check: build the discovery system with `make microkernel`, and see that `microkernel.dir` names its directory',
  ]);
  expect(lines.join('\n')).toContain(address);
});

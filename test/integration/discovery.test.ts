import { openTestWorld, type TestWorld } from '../support/world.ts';

let world: TestWorld;
beforeAll(async () => {
  world = await openTestWorld({ number: 1, count: 4 });
}, 60_000);
afterAll(() => world.close());

test('machines that their BMCs switch on are discovered, with catalogs and a proven BMC', async () => {
  for (const { node } of world.fleet.machines) node.powerOn();
  const nodes = await world.allInState('discovered');
  expect(nodes.map(({ summary }) => summary.serial).sort()).toEqual(['SIM00001', 'SIM00002', 'SIM00003', 'SIM00004']);
  for (const { id } of nodes) {
    const catalogs = await world.json<{ source: string }[]>(`/api/current/nodes/${id}/catalogs`);
    const sources = new Set(catalogs.map(({ source }) => source));
    for (const source of [
      'dmi',
      'lshw',
      'lsblk',
      'lspci',
      'lldp',
      'ohai',
      'driveId',
      'bmc',
      'ipmi-fru',
      'ipmi-sdr',
      'ipmi-sel',
    ]) {
      expect(sources).toContain(source);
    }
    const obms = await world.json<{ service: string }[]>(`/api/current/nodes/${id}/obm`);
    expect(obms).toMatchObject([{ service: 'ipmi-obm-service' }]);
    expect(JSON.stringify(obms)).not.toMatch(/password|sealed/i);
  }
  for (const { commands } of world.fleet.machines) {
    expect([...commands.values()].every((times) => times === 1)).toBe(true);
  }
}, 120_000);

test('the timeline of a node has its boot in order', async () => {
  const [node] = await world.nodes();
  const { items } = await world.json<{ items: { kind: string }[] }>(`/nodes/${node?.id ?? ''}/timeline`);
  const kinds = items.map(({ kind }) => kind);
  const order = [
    'dhcp.discover',
    'dhcp.ack',
    'tftp.done',
    'boot.script',
    'boot.file',
    'boot.identity',
    'agent.session',
    'catalog.stored',
    'bmc.proven',
    'node.state',
  ];
  const positions = order.map((kind) => (kind === 'node.state' ? kinds.lastIndexOf(kind) : kinds.indexOf(kind)));
  expect(positions).toEqual([...positions].sort((a, b) => a - b));
  expect(positions[0]).toBeGreaterThanOrEqual(0);
}, 30_000);

test('a discovered node that boots again gets an address and nothing to boot', async () => {
  const machine = world.fleet.machines[0];
  machine?.node.reset();
  await world.atStep(0, 'disk');
  expect(world.steps[0]?.slice(-3)).toEqual(['power on', 'address', 'disk']);
}, 30_000);

test('workflows by REST act on the machine', async () => {
  const nodes = await world.nodes();
  const node = nodes.find(({ summary }) => summary.serial === 'SIM00002');
  const machine = world.fleet.machines[1];
  const boots = machine?.node.boots() ?? 0;
  const started = await fetch(`${world.url}/api/current/nodes/${node?.id ?? ''}/workflows`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ name: 'Graph.Reboot.Node' }),
  });
  expect(started.status).toBe(201);
  const { instanceId } = (await started.json()) as { instanceId: string };
  await waitForRun(instanceId, 'succeeded');
  expect(machine?.node.boots()).toBe(boots + 1);
  await run(node?.id ?? '', 'Graph.PowerOff.Node');
  expect(machine?.node.isOn()).toBe(false);
  await run(node?.id ?? '', 'Graph.PowerOn.Node');
  expect(machine?.node.isOn()).toBe(true);
  await run(node?.id ?? '', 'Graph.noop-example');
}, 120_000);

async function run(nodeId: string, name: string): Promise<void> {
  const started = await fetch(`${world.url}/api/2.0/nodes/${nodeId}/workflows?name=${name}`, { method: 'POST' });
  expect(started.status).toBe(201);
  const { instanceId } = (await started.json()) as { instanceId: string };
  await waitForRun(instanceId, 'succeeded');
}

async function waitForRun(instanceId: string, status: string): Promise<void> {
  for (let tries = 0; tries < 300; tries += 1) {
    const run = await world.json<{ status: string }>(`/api/current/workflows/${instanceId}`);
    if (run.status === status) return;
    expect(['running', 'pending']).toContain(run.status);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`run ${instanceId} did not end`);
}

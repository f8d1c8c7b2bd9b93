import { openTestWorld, type TestWorld } from '../support/world.ts';

/** SIGKILL to the server at a step of a discovery; started again, everything ends as if nothing had been. */
const steps = ['address', 'loader', 'script', 'kernel', 'agent', 'done catalog', 'done bmc-set', 'done end'];

let world: TestWorld;
beforeAll(async () => {
  world = await openTestWorld({ number: 10, count: steps.length });
}, 60_000);
afterAll(() => world.close());

test.each(steps.map((step, index) => [step, index] as const))(
  'killed at %s: discovered',
  async (step, index) => {
    const machine = world.fleet.machines[index];
    machine?.node.powerOn();
    await world.atStep(index, step);
    await world.killServer();
    await world.startServer();
    const nodes = await world.allInState('discovered', index + 1);
    const node = nodes.find(({ summary }) => summary.serial === machine?.serial);
    expect(node?.state.name).toBe('discovered');
    const obms = await world.json<unknown[]>(`/api/current/nodes/${node?.id ?? ''}/obm`);
    expect(obms).toMatchObject([{ service: 'ipmi-obm-service' }]);
    // One boot's agent runs nothing twice, whatever happens to the server.
    const boots = world.steps[index]?.filter((name) => name === 'agent').length ?? 0;
    for (const times of machine?.commands.values() ?? []) expect(times).toBeLessThanOrEqual(Math.max(1, boots));
  },
  120_000,
);

import { join, resolve } from 'node:path';
import { requireProgram, type Finished } from '../support/netns.ts';
import { openReadersWorld, type ReadersWorld } from '../support/reader.ts';
import { commandBlocks } from '../support/tutorial-blocks.ts';

/** docs/tutorials/first-node.md, typed into one shell, with a simulated node in the place of the labs. */

const home = resolve(import.meta.dirname, '../..');
const page = join(home, 'docs/tutorials/first-node.md');
const blocks = commandBlocks(page);

/** What starts and ends a lab, or boots an operating system that a simulated node does not have. */
const labs = ['lab', 'compose'];
const anywhere = blocks.filter(({ lab }) => lab === undefined);

let place: ReadersWorld;

beforeAll(async () => {
  for (const program of ['curl', 'jq', 'bash']) requireProgram(program, program);
  place = await openReadersWorld(61, [9090]);
}, 120_000);

afterAll(() => place.close());

/** Types commands into the reader's shell: its variables are there again in the next block. */
function type(commands: string): Promise<Finished> {
  const variables = join(place.directory, 'variables');
  const script = `touch ${variables}; . ${variables}; set -a\n${commands}\nset +a; export -p >${variables}`;
  const bash = ['bash', '-e', '-u', '-o', 'pipefail', '-c', script];
  return place.hosts.reader.run(bash, { timeoutMs: 60_000 });
}

test.each(anywhere.map(({ chapter, commands }) => [chapter, commands] as const))(
  '%s: %s',
  async (_chapter, commands) => {
    const finished = await type(commands);
    expect({ ...finished, commands }).toMatchObject({ code: 0, stdout: expect.stringMatching(/\S/) as string });
  },
  70_000,
);

test('the commands did what the page says', async () => {
  const [machine] = place.world.fleet.machines;
  const [node] = await place.world.nodes();
  const path = `/api/2.0/nodes/${node?.id ?? ''}`;
  expect(await place.world.json(`${path}/obm`)).toMatchObject([{ config: { user: 'admin' } }]);
  expect(await place.world.json(`${path}/catalogs/disks-today`)).toMatchObject({
    data: { blockdevices: expect.anything() as unknown },
  });
  const runs = await place.world.json<{ injectableName: string; _status: string }[]>(`${path}/workflows`);
  expect(runs.map(({ injectableName, _status }) => `${injectableName} ${_status}`)).toEqual([
    'Graph.Discovery.Rackwright succeeded',
    'Graph.Reset.Node succeeded',
    'Graph.Tutorial.Disks succeeded',
    'Graph.PowerOn.Node succeeded',
  ]);
  expect(machine?.node.isOn()).toBe(true);
});

test('what is not run here names the lab that it needs, and says so in its first line', () => {
  const others = blocks.filter(({ lab }) => lab !== undefined);
  for (const { lab, commands } of others) {
    expect(labs).toContain(lab);
    expect(commands).toMatch(/^# with (QEMU|docker)/);
  }
  expect(others.length + anywhere.length).toBe(blocks.length);
  expect(anywhere.length).toBeGreaterThan(10);
});

import { join, resolve } from 'node:path';
import { requireProgram } from '../support/netns.ts';
import { openReadersWorld, type ReadersWorld } from '../support/reader.ts';
import { commandBlocks, createShell, type ReadersShell } from '../support/tutorial-blocks.ts';

/** docs/tutorials/first-node.md, typed into one shell, with a simulated node in the place of the labs. */

const home = resolve(import.meta.dirname, '../..');
const page = join(home, 'docs/tutorials/first-node.md');
const blocks = commandBlocks(page);

const anywhere = blocks.filter(({ needs }) => needs === undefined);

let place: ReadersWorld;
let shell: ReadersShell;

beforeAll(async () => {
  for (const program of ['curl', 'jq', 'bash']) requireProgram(program, program);
  place = await openReadersWorld(61, [9090]);
  shell = createShell((argv, options) => place.hosts.reader.run(argv, options), place.directory);
}, 120_000);

afterAll(() => place.close());

test.each(anywhere.map(({ chapter, commands }) => [chapter, commands] as const))(
  '%s: %s',
  async (_chapter, commands) => {
    expect(await shell.type(commands, 60_000)).toMatch(/\S/);
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

test('what is not run here says what it needs; what begins or ends a lab says which in its first line', () => {
  const others = blocks.filter(({ needs }) => needs !== undefined);
  const remarks: Readonly<Record<string, RegExp>> = { lab: /^# with QEMU/, compose: /^# with docker/, system: /./ };
  for (const { needs = '', commands } of others) {
    expect(Object.keys(remarks)).toContain(needs);
    expect(commands).toMatch(remarks[needs] ?? /$^/);
  }
  expect(anywhere.length).toBeGreaterThan(10);
});

test('commands of ours that need a system to be run have the options that the page gives them', async () => {
  const typed = blocks
    .filter(({ needs }) => needs === 'system')
    .flatMap(({ commands }) => commands.match(/^bin\/rackwright .*/gm) ?? []);
  expect(typed.length).toBeGreaterThan(2);
  for (const command of typed) {
    const [, words = ''] = /^bin\/rackwright ((?:[a-z]+ )+)/.exec(command) ?? [];
    const help = await shell.type(`bin/rackwright ${words} --help`, 60_000);
    const own = command.split(' -- ')[0] ?? '';
    for (const option of own.match(/--[a-z-]+/g) ?? []) expect(help).toContain(`${option} `);
  }
}, 60_000);

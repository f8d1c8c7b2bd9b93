import type { Command } from 'commander';
import { nodesCommand } from '../../src/cli/commands/nodes.ts';
import { whyCommand } from '../../src/cli/commands/why.ts';
import { workflowsCommand } from '../../src/cli/commands/workflows.ts';
import { createClient } from '../../src/cli/client.ts';
import type { WriteLine } from '../../src/cli/server-option.ts';
import { modify } from '../../src/store/modify.ts';
import { addNode, startWorld, type ApiWorld } from '../api/world.ts';
import { startTestServer } from '../support/http.ts';

let world: ApiWorld;
beforeAll(async () => {
  world = await startWorld();
});
beforeEach(async () => {
  await world.reset();
});
afterAll(async () => {
  await world.close();
});

/** What the command writes. */
async function run(make: (write: WriteLine) => Command, ...args: string[]): Promise<string[]> {
  const lines: string[] = [];
  await make((line) => lines.push(line)).parseAsync([...args, '--server', world.url], { from: 'user' });
  return lines;
}

describe('nodes', () => {
  test('all of them as a table, also beyond one page', async () => {
    for (let index = 0; index < 1001; index++) await addNode(world.store, { name: `n${index}` });
    const lines = await run(nodesCommand);
    expect(lines).toHaveLength(1002);
    expect(lines[0]).toMatch(/^ID +NAME +STATE +SERIAL +CPU +MEMORY +DISKS +MACS +IP +BMC$/);
  });

  test('of one type or state, as a table or as JSON', async () => {
    await addNode(world.store, { name: 'web-1', summary: { serial: 'S1' } });
    await addNode(world.store, { name: 'tor-1', type: 'switch' });
    const table = await run(nodesCommand, '--type', 'compute');
    expect(table).toHaveLength(2);
    expect(table[1]).toContain('S1');
    const json = await run(nodesCommand, '--type', 'switch', '--json');
    expect(json.map((line) => JSON.parse(line) as unknown)).toEqual([expect.objectContaining({ name: 'tor-1' })]);
    expect(await run(nodesCommand, '--state', 'discovered')).toEqual(['no nodes']);
  });
});

describe('why', () => {
  test('is the text of the server, whatever names the node', async () => {
    const node = await addNode(world.store, { name: 'rack 1/2' });
    const fact = { kind: 'node.state', how: 'self', text: 'all is well', nodeId: node.id } as const;
    await world.facts.append([{ ...fact, at: '2026-01-01T00:00:00.000Z' }]);
    for (const word of [node.id, 'rack 1/2']) {
      expect(await run(whyCommand, word)).toEqual(['2026-01-01T00:00:00.000Z all is well']);
    }
  });

  test('of an unknown node says so', async () => {
    await expect(run(whyCommand, 'nobody')).rejects.toThrow("No node has 'nobody'");
  });
});

describe('workflows run', () => {
  const noop = 'Graph.noop-example';

  test('starts the graph on the node', async () => {
    const node = await addNode(world.store, { name: 'web-1' });
    const options = '{"defaults":{"a":1}}';
    const [line] = await run(workflowsCommand, 'run', 'web-1', noop, '--options', options);
    const [started] = (await world.store.runs.find({})).items;
    expect(line).toBe(`${noop} runs on web-1 (${node.id}) as operation ${started!.id}`);
  });

  test("a machine's name does not act on the terminal", async () => {
    const node = await addNode(world.store, { name: 'web\u001b[2J\u202e' });
    const [line] = await run(workflowsCommand, 'run', node.id, noop);
    expect(line).toContain('runs on web [2J  (');
  });

  test.each(['succeeded', 'failed'] as const)('--wait ends when it %s', async (state) => {
    await addNode(world.store, { name: 'web-1' });
    const running = run(workflowsCommand, 'run', 'web-1', noop, '--wait');
    const ending = (async () => {
      let id: string | undefined;
      while (id === undefined) id = (await world.store.runs.find({})).items[0]?.id;
      await modify(world.store.runs, id, (current) => ({
        ...current,
        state,
        tasks: { 'noop-1': { ...current.tasks['noop-1']!, state } },
        ...(state === 'failed' ? { error: { reason: 'x', message: 'the disk is full' } } : {}),
      }));
    })();
    if (state === 'failed') await expect(running).rejects.toThrow('the workflow failed: the disk is full');
    else expect(await running).toContain('noop-1: succeeded');
    await ending;
  });

  test.each([
    [['nobody', noop], 'No node has'],
    [['web-1', 'Graph.Nope'], 'Graph.Nope'],
    [['web-1', noop, '--options', '[]'], '--options: expected a JSON object'],
    [['web-1', noop, '--options', '{'], '--options: expected a JSON object'],
  ])('%j fails with words', async (args, words) => {
    await addNode(world.store, { name: 'web-1' });
    await expect(run(workflowsCommand, 'run', ...args)).rejects.toThrow(words);
  });
});

describe('the client', () => {
  test('says that no server answers', async () => {
    const server = await startTestServer(() => undefined);
    await server.close();
    const words = `no server answers at ${server.url}: is it running?`;
    await expect(createClient(server.url).get('/nodes')).rejects.toThrow(words);
  });

  test.each([
    [200, 'text/html', '<p>hello'],
    [404, 'text/html', '<p>hello'],
    [500, 'application/json', '{}'],
  ])('says that what answers %d %s is no server of ours', async (status, type, body) => {
    const server = await startTestServer((_request, response) => {
      response.writeHead(status, { 'content-type': type }).end(body);
    });
    try {
      await expect(createClient(`${server.url}/`).get('/nodes')).rejects.toThrow('is it a Rackwright server?');
    } finally {
      await server.close();
    }
  });

  test.each(['', 'nonsense', 'ftp://x'])("refuses the URL '%s'", (url) => {
    expect(() => createClient(url)).toThrow('--server: expected a URL');
  });
});

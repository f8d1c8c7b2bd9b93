import { Command } from 'commander';
import { z } from 'zod';
import { nodesTable, type NodeRow } from '../../model/nodes-table.ts';
import { createClient, type Client } from '../client.ts';
import { printable, toStandardOutput, withServer, type ServerOption, type WriteLine } from '../server-option.ts';

interface Options extends ServerOption {
  readonly type?: string;
  readonly state?: string;
  readonly json?: true;
}

/** `rackwright nodes`: a table of all nodes, or those of a type or state. */
export function nodesCommand(write: WriteLine = toStandardOutput): Command {
  return withServer(new Command('nodes'))
    .description('list the nodes')
    .option('--type <type>', 'only nodes of this type (compute, switch, ...)')
    .option('--state <state>', 'only nodes in this state (discovered, ...)')
    .option('--json', 'as JSON, one node a line')
    .action(async ({ server, type, state, json }: Options) => {
      const nodes = await allNodes(createClient(server), { ...(type && { type }), ...(state && { state }) });
      if (json)
        nodes.forEach((node) => {
          write(JSON.stringify(node));
        });
      else if (nodes.length === 0) write('no nodes');
      else
        nodesTable(nodes).forEach((line) => {
          write(printable(line));
        });
    });
}

const text = z.string().exactOptional();
const count = z.number().exactOptional();

/** What the table needs; the rest of what the server says is kept for `--json`. */
const pageSchema = z.object({
  items: z.array(
    z.looseObject({
      id: z.string(),
      name: z.string(),
      state: z.looseObject({ name: z.string() }),
      summary: z.looseObject({
        serial: text,
        cpuModel: text,
        cpuCount: count,
        cpuCores: count,
        memoryBytes: count,
        disks: z.array(z.looseObject({ name: z.string(), sizeBytes: z.number() })).exactOptional(),
        macs: z.array(z.string()).exactOptional(),
      }),
      addresses: z.array(z.looseObject({ address: z.string() })),
      bmc: z.looseObject({ address: text }).exactOptional(),
    }),
  ),
  next: text,
});

async function allNodes(client: Client, filter: Record<string, string>): Promise<NodeRow[]> {
  const nodes: NodeRow[] = [];
  let cursor: string | undefined;
  do {
    const query = new URLSearchParams({ ...filter, limit: '1000', ...(cursor && { cursor }) });
    const page = pageSchema.parse(await client.get(`/nodes?${query.toString()}`));
    nodes.push(...page.items);
    cursor = page.next;
  } while (cursor !== undefined);
  return nodes;
}

import { setTimeout as sleep } from 'node:timers/promises';
import { Command } from 'commander';
import { z } from 'zod';
import { InputError, RackwrightError } from '../../errors.ts';
import { createClient, type Client } from '../client.ts';
import { printable, toStandardOutput, withServer, type ServerOption, type WriteLine } from '../server-option.ts';

interface RunOptions extends ServerOption {
  readonly options?: string;
  readonly wait?: true;
}

/** `rackwright workflows run NODE GRAPH`. */
export function workflowsCommand(write: WriteLine = toStandardOutput): Command {
  const command = new Command('workflows').description('run workflows on nodes');
  withServer(command.command('run'))
    .description('run a graph on a node')
    .argument('<node>', "the node's id, name, serial number, MAC or address")
    .argument('<graph>', 'injectableName of the graph, such as Graph.Reboot.Node')
    .option('--options <json>', 'options of the graph: {"defaults": {}, "<label>": {}}')
    .option('--wait', 'follow it to its end; fails if the workflow does')
    .action(async (node: string, graph: string, { server, options, wait }: RunOptions) => {
      const client = createClient(server);
      const body = { graph, ...(options === undefined ? {} : { options: readOptions(options) }) };
      const { id: nodeId, name } = named.parse(await client.get(`/nodes/${encodeURIComponent(node)}`));
      const operation = operationSchema.parse(await client.post(`/nodes/${nodeId}/workflows`, body));
      write(printable(`${graph} runs on ${name} (${nodeId}) as operation ${operation.id}`));
      if (wait) await follow(client, operation, write);
    });
  return command;
}

const named = z.object({ id: z.string(), name: z.string() });
const operationSchema = z.object({
  id: z.string(),
  state: z.string(),
  error: z.object({ message: z.string() }).optional(),
  tasks: z.array(z.object({ label: z.string(), state: z.string() })),
});
type Operation = z.infer<typeof operationSchema>;

function readOptions(text: string): unknown {
  try {
    return z.record(z.string(), z.unknown()).parse(JSON.parse(text));
  } catch (cause) {
    throw new InputError('--options', `expected a JSON object, got '${text}'`, { cause });
  }
}

const pollMs = 500;

/** Writes each change of a task until the operation has ended. Throws if it did not succeed. */
async function follow(client: Client, begun: Operation, write: WriteLine): Promise<void> {
  const shown = new Map<string, string>();
  for (let operation = begun; ;) {
    for (const { label, state } of operation.tasks) {
      if (shown.get(label) !== state) write(printable(`${label}: ${state}`));
      shown.set(label, state);
    }
    if (operation.state === 'succeeded') return;
    if (operation.state !== 'running') {
      throw new RackwrightError(
        'failed',
        `the workflow ${operation.state}: ${operation.error?.message ?? 'no reason given'}`,
      );
    }
    await sleep(pollMs);
    operation = operationSchema.parse(await client.get(`/operations/${begun.id}`));
  }
}

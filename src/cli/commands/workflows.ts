import { Command } from 'commander';
import { z } from 'zod';
import { InputError } from '../../errors.ts';
import { createClient } from '../client.ts';
import { followOperation, nodeOf, operationSchema } from '../follow-operation.ts';
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
      const { id: nodeId, name } = await nodeOf(client, node);
      const operation = operationSchema.parse(await client.post(`/nodes/${nodeId}/workflows`, body));
      write(printable(`${graph} runs on ${name} (${nodeId}) as operation ${operation.id}`));
      if (wait) await followOperation(client, operation, write);
    });
  return command;
}

function readOptions(text: string): unknown {
  try {
    return z.record(z.string(), z.unknown()).parse(JSON.parse(text));
  } catch (cause) {
    throw new InputError('--options', `expected a JSON object, got '${text}'`, { cause });
  }
}

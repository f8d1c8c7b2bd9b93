import { Command } from 'commander';
import { createClient } from '../client.ts';
import { printable, toStandardOutput, withServer, type ServerOption, type WriteLine } from '../server-option.ts';

/** `rackwright why NODE`: what happened to a node, and the verdict. */
export function whyCommand(write: WriteLine = toStandardOutput): Command {
  return withServer(new Command('why'))
    .description('tell why a node did not boot: its timeline and a verdict')
    .argument('<node>', "the node's id, name, serial number, MAC or address")
    .action(async (node: string, { server }: ServerOption) => {
      const text = await createClient(server).getText(`/nodes/${encodeURIComponent(node)}/timeline?format=text`);
      write(printable(text.trimEnd()));
    });
}

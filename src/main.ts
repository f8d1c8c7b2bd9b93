import { join, resolve } from 'node:path';
import { Command } from 'commander';
import { deployCommand, releaseCommand } from './cli/commands/deploy.ts';
import { imagesCommand } from './cli/commands/images.ts';
import { labCommand } from './cli/commands/lab.ts';
import { nodesCommand } from './cli/commands/nodes.ts';
import { whyCommand } from './cli/commands/why.ts';
import { workflowsCommand } from './cli/commands/workflows.ts';
import { configCommand } from './config-command.ts';
import { describeError } from './errors.ts';
import { runSimulation } from './lab/simulate.ts';
import { serveCommand } from './serve.ts';

const home = resolve(import.meta.dirname, '..');

/** The lab's fallback: nodes that are programs. */
function simulate(count: number, { json }: { readonly json: boolean }): Promise<boolean> {
  return runSimulation({
    count,
    json,
    adminPort: 9090,
    serverCommand: [process.execPath, import.meta.filename, 'serve'],
    microkernelDir: join(home, '.cache/microkernel'),
    say: (line) => {
      console.log(line);
    },
    stay: !json && process.stdout.isTTY,
    deadlineMs: 60_000 + count * 1000,
  });
}

const program = new Command('rackwright')
  .description('bare-metal provisioning: PXE and HTTP boot, discovery, workflows, power')
  .showHelpAfterError()
  .addCommand(serveCommand())
  .addCommand(configCommand())
  .addCommand(nodesCommand())
  .addCommand(whyCommand())
  .addCommand(workflowsCommand())
  .addCommand(imagesCommand())
  .addCommand(deployCommand())
  .addCommand(releaseCommand())
  .addCommand(labCommand(simulate));

try {
  await program.parseAsync(process.argv);
} catch (error) {
  console.error(`rackwright: ${describeError(error)}`);
  process.exitCode = 1;
}

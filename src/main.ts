import { Command } from 'commander';
import { configCommand } from './config-command.ts';
import { describeError } from './errors.ts';
import { serveCommand } from './serve.ts';

const program = new Command('rackwright')
  .description('bare-metal provisioning: PXE and HTTP boot, discovery, workflows, power')
  .showHelpAfterError()
  .addCommand(serveCommand())
  .addCommand(configCommand());

try {
  await program.parseAsync(process.argv);
} catch (error) {
  console.error(`rackwright: ${describeError(error)}`);
  process.exitCode = 1;
}

import { Command } from 'commander';
import { checkAdmin } from './app/admin.ts';
import { configuredSubnets, parseNetworks } from './app/network.ts';
import { sampleConfig, showConfig } from './config-print.ts';
import { withConfigOptions } from './config-flags.ts';

/** `rackwright config sample|check|show`. */
export function configCommand(): Command {
  const command = new Command('config').description('print a sample, check, or show the configuration');
  command
    .command('sample')
    .description('every option with its default, as a file to start from')
    .action(() => {
      process.stdout.write(sampleConfig());
    });
  withConfigOptions(command.command('check').description('say whether the configuration is right'), ({ config }) => {
    checkAdmin(config);
    configuredSubnets(config);
    parseNetworks(config.bmc.networks, 'bmc.networks');
    console.log('the configuration is right');
  });
  withConfigOptions(command.command('show').description('every value and where it came from'), (loaded) => {
    process.stdout.write(showConfig(loaded));
  });
  return command;
}

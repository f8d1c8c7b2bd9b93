import type { Command } from 'commander';
import { configOptions, environment, loadConfig, type LoadedConfig } from './config.ts';

/** Gives a command `--config` and a flag for every option of the server, and its action the loaded configuration. */
export function withConfigOptions(command: Command, action: (loaded: LoadedConfig) => void | Promise<void>): Command {
  const env = environment();
  command.option('--config <file>', 'YAML file (or RACKWRIGHT_CONFIG)');
  for (const option of configOptions()) command.option(`${option.flag} <value>`, option.description);
  return command.action(async (given: Record<string, string> & { config?: string }) => {
    const flags = configOptions().flatMap((option) => {
      const value = given[attributeName(option.flag)];
      return value === undefined ? [] : [[option.flag.slice(2), value] as const];
    });
    const file = given.config ?? env.RACKWRIGHT_CONFIG;
    await action(loadConfig({ file, env, flags: Object.fromEntries(flags) }));
  });
}

/** commander's name of a flag: `--admin-port` -> `adminPort`. */
function attributeName(flag: string): string {
  return flag.slice(2).replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase());
}

import type { Command } from 'commander';
import { defaultServer } from './client.ts';

export interface ServerOption {
  readonly server: string;
}

/** Adds `--server URL`. */
export function withServer(command: Command): Command {
  return command.option('--server <url>', "the server's admin URL", defaultServer);
}

/** Writes a line for the user; tests hand in their own. */
export type WriteLine = (line: string) => void;

export const toStandardOutput: WriteLine = (line) => {
  console.log(line);
};

/** The server's text without what would act on a terminal: names and serials in it come from machines. */
export function printable(text: string): string {
  return text.replace(/[^\P{Cc}\n\t]|\p{Cf}/gu, ' ');
}

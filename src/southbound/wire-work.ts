import type { AgentWorkItem } from '../workflows/engine-interface.ts';

/** A task as docs/agent-protocol.md has it: as JSON, and as a shell script for agents that have no JSON at hand. */
export interface WireWork extends Pick<AgentWorkItem, 'environment' | 'timeoutSeconds' | 'stopOnError' | 'then'> {
  readonly attempt: string;
  readonly commands: readonly {
    readonly command: string;
    readonly downloadUrl?: string | undefined;
    readonly acceptedResponseCodes?: readonly number[] | undefined;
    readonly timeoutSeconds?: number | undefined;
    readonly ignoreFailure?: boolean | undefined;
  }[];
}

/** The media type by which an agent asks for the shell script. */
export const workScriptType = 'text/x-shellscript';

/** What of a task concerns the agent. */
export function wireWork({ runId, label, attempt, commands, ...rest }: AgentWorkItem): WireWork {
  return {
    attempt: `${runId}/${encodeURIComponent(label)}/${attempt}`,
    ...rest,
    commands: commands.map(({ command, downloadUrl, acceptedResponseCodes, timeoutSeconds, ignoreFailure }) => {
      return { command, downloadUrl, acceptedResponseCodes, timeoutSeconds, ignoreFailure };
    }),
  };
}

/**
 * The task as assignments for a POSIX shell. Its first line tells it from what a proxy may answer; values are quoted, so
 * that nothing in them is run, and numbered by their command.
 */
export function workScript({ attempt, commands, environment, timeoutSeconds, stopOnError, then }: WireWork): string {
  const exported = Object.entries(environment)
    .filter(([name]) => /^[A-Za-z_]\w*$/.test(name))
    .map(([name, value]) => `export ${name}=${quoted(value)}`);
  const variables: [string, string | number][] = [
    ['attempt', attempt],
    ['count', commands.length],
    ['stop', stopOnError === true ? 'yes' : ''],
    ['afterwards', then ?? ''],
    ['environment', exported.join('\n')],
  ];
  for (const [index, command] of commands.entries()) {
    const { acceptedResponseCodes: codes = [0], ignoreFailure } = command;
    variables.push(
      [`command_${index}`, command.command],
      [`source_${index}`, command.downloadUrl ?? ''],
      [`seconds_${index}`, Math.ceil(Math.min(command.timeoutSeconds ?? timeoutSeconds, timeoutSeconds))],
      [`accepted_${index}`, ignoreFailure === true ? 'any' : ` ${codes.join(' ')} `],
    );
  }
  const lines = variables.map(([name, value]) => `${name}=${quoted(String(value))}`);
  return `${['# rackwright work', ...lines].join('\n')}\n`;
}

/** No shell can hold a NUL. */
function quoted(text: string): string {
  return `'${text.replaceAll('\0', '').replaceAll("'", `'\\''`)}'`;
}

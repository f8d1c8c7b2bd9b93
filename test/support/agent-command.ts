import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { agentScript, type AgentScriptName } from '../../src/workflows/tasks/agent-script.ts';

/** How a script of the agent ended; `stdout` is what a task's outcome is made of. */
export interface ScriptEnd {
  /** Null where a signal ended it. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunningScript {
  readonly child: ChildProcess;
  readonly ended: Promise<ScriptEnd>;
}

/** Starts a script as the agent does: by dash, in an empty folder of its own under `dir`, leading a process group. */
export function startScript(name: AgentScriptName, dir: string, environment: Record<string, string>): RunningScript {
  const cwd = mkdtempSync(join(dir, 'attempt-'));
  const script = join(cwd, '..', `${name}.sh`);
  writeFileSync(script, agentScript(name));
  const child = spawn('dash', [script], {
    cwd,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env.PATH, RACKWRIGHT_IDENTITY: join(dir, 'identity.json'), ...environment },
  });
  return { child, ended: endOf(child) };
}

/** Ends a script with all that it started, at once: as a power loss would. */
export async function killScript({ child, ended }: RunningScript): Promise<void> {
  if (child.pid !== undefined && child.exitCode === null && child.signalCode === null)
    process.kill(-child.pid, 'SIGKILL');
  await ended;
}

async function endOf(child: ChildProcess): Promise<ScriptEnd> {
  const output = { stdout: '', stderr: '' };
  child.stdout?.on('data', (text: Buffer) => (output.stdout += text.toString()));
  child.stderr?.on('data', (text: Buffer) => (output.stderr += text.toString()));
  await once(child, 'close');
  return { code: child.exitCode, ...output };
}

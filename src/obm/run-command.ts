import { spawn } from 'node:child_process';

/** One external program to run: an argument vector, never a shell line. */
export interface Command {
  readonly file: string;
  readonly args: readonly string[];
  /** The child's whole environment but PATH, HOME and LC_ALL; secrets go here, since anyone may read arguments. */
  readonly env?: Readonly<Record<string, string>>;
  /** Milliseconds after which it is killed. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
}

export type CommandResult =
  | { readonly kind: 'exited'; readonly code: number; readonly stdout: string; readonly stderr: string }
  /** It was killed: at its deadline, because the caller went away, or because it wrote more than 1 MiB. */
  | { readonly kind: 'killed'; readonly why: 'deadline' | 'aborted' | 'output'; readonly stderr: string }
  /** There is no such program. */
  | { readonly kind: 'missing' };

/** Runs a program to its end. Rejects only when the machine cannot start any (no memory, no process left). */
export type RunCommand = (command: Command) => Promise<CommandResult>;

const outputLimit = 1024 * 1024;
const defaultPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** `path` is where programs are looked for. */
export function createRunCommand(path = defaultPath): RunCommand {
  return (command) => {
    if (command.signal?.aborted) return Promise.resolve({ kind: 'killed', why: 'aborted', stderr: '' });
    return run(command, path);
  };
}

function run({ file, args, env, timeoutMs, signal }: Command, path: string): Promise<CommandResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, {
      env: { ...env, PATH: path, HOME: '/nonexistent', LC_ALL: 'C' },
      stdio: ['ignore', 'pipe', 'pipe'],
      // A group of its own, so that what the program started is killed with it and holds no pipe open.
      detached: true,
    });
    const output = { stdout: [] as Buffer[], stderr: [] as Buffer[], size: 0 };
    let killed: 'deadline' | 'aborted' | 'output' | undefined;

    const kill = (why: NonNullable<typeof killed>): void => {
      killed ??= why;
      try {
        if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
      } catch {
        child.kill('SIGKILL');
      }
    };
    const onAbort = (): void => {
      kill('aborted');
    };
    const timer = setTimeout(() => {
      kill('deadline');
    }, timeoutMs);
    signal?.addEventListener('abort', onAbort);

    const collect = (into: Buffer[]) => (chunk: Buffer) => {
      output.size += chunk.length;
      if (output.size > outputLimit) kill('output');
      else into.push(chunk);
    };
    child.stdout.on('data', collect(output.stdout));
    child.stderr.on('data', collect(output.stderr));

    const settle = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
    };
    child.once('error', (error: NodeJS.ErrnoException) => {
      settle();
      if (error.code === 'ENOENT') resolve({ kind: 'missing' });
      else reject(error);
    });
    child.once('close', (code) => {
      settle();
      const stdout = Buffer.concat(output.stdout).toString('utf8');
      const stderr = Buffer.concat(output.stderr).toString('utf8');
      // A program that somebody else killed has no code.
      if (killed) resolve({ kind: 'killed', why: killed, stderr });
      else resolve({ kind: 'exited', code: code ?? 255, stdout, stderr });
    });
  });
}

import { execFile } from 'node:child_process';
import { RackwrightError } from '../errors.ts';

export interface RunResult {
  /** Exit code; null where a signal ended the program. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  /** Milliseconds until the program is killed; default 10 s. */
  readonly deadlineMs?: number;
  /** Standard input; none if absent. */
  readonly input?: string;
  readonly cwd?: string;
}

/** Runs a program to its end. Throws code `deadline` or `missing-program`; an exit code other than 0 is a result. */
export async function run(argv: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  const [program = '', ...args] = argv;
  const deadlineMs = options.deadlineMs ?? 10_000;
  return await new Promise((resolve, reject) => {
    const settings = {
      timeout: deadlineMs,
      killSignal: 'SIGKILL' as const,
      maxBuffer: 16 * 1024 * 1024,
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    };
    const child = execFile(program, args, settings, (error, stdout, stderr) => {
      if (error === null) {
        resolve({ code: 0, stdout, stderr });
      } else if (error.code === 'ENOENT') {
        reject(new RackwrightError('missing-program', `${program} is not installed`, { cause: error }));
      } else if (error.killed === true) {
        reject(new RackwrightError('deadline', `${argv.join(' ')}: did not end within ${deadlineMs / 1000} s`));
      } else {
        resolve({ code: typeof error.code === 'number' ? error.code : null, stdout, stderr });
      }
    });
    // A program that ends without reading its input makes the pipe fail; its exit code says what happened.
    child.stdin?.on('error', () => undefined).end(options.input ?? '');
  });
}

/** Runs a program that must succeed; gives its standard output. Throws code `program-failed` with what it said. */
export async function runOk(argv: readonly string[], options: RunOptions = {}): Promise<string> {
  const result = await run(argv, options);
  if (result.code !== 0) {
    const said = (result.stderr.trim() || result.stdout.trim()).slice(-1000);
    throw new RackwrightError('program-failed', `${argv.join(' ')}: exit code ${result.code ?? 'none'}: ${said}`);
  }
  return result.stdout;
}

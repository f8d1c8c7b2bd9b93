import { spawn, type ChildProcess, type StdioOptions } from 'node:child_process';
import { RackwrightError } from '../errors.ts';
import type { ToolLimits } from './limits.ts';

/** A program that reads what came from anywhere: by itself, at a low priority, within limits that the kernel keeps. */
export interface Tool {
  readonly file: string;
  readonly args: readonly string[];
  /** The Debian package that has it. */
  readonly package: string;
  readonly limits: ToolLimits;
  /** Descriptors of files that it reads from and writes to; a pipe where absent. */
  readonly input: number;
  readonly output?: number;
  /** Its working directory. */
  readonly directory: string;
  readonly signal: AbortSignal;
}

export type ToolEnd =
  | { readonly kind: 'done' }
  | { readonly kind: 'failed'; readonly code: number; readonly why: string }
  | { readonly kind: 'limit' };

export interface RunningTool {
  /** What it writes, where no `output` was given. */
  readonly stdout: NodeJS.ReadableStream | null;
  /** Rejects with `image-tool` if the program is not there, and with the signal's reason if that ended it. */
  readonly ended: Promise<ToolEnd>;
  readonly kill: () => void;
}

const systemPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
const keptErrorBytes = 4096;

/** Starts it. nice, prlimit and the program replace one another: they are one process. */
export function startTool(tool: Tool): RunningTool {
  const { limits } = tool;
  const within = [
    `--as=${limits.memoryBytes}`,
    `--cpu=${limits.cpuSeconds}`,
    `--fsize=${limits.fileBytes}`,
    '--core=0',
    '--nofile=64',
  ];
  const stdio: StdioOptions = [tool.input, tool.output ?? 'pipe', 'pipe'];
  const child = spawn('nice', ['-n', '5', 'prlimit', ...within, '--', tool.file, ...tool.args], {
    cwd: tool.directory,
    env: { PATH: systemPath, HOME: '/nonexistent', LC_ALL: 'C', TMPDIR: tool.directory },
    stdio,
  });
  const kill = (): void => {
    child.kill('SIGKILL');
  };
  return { stdout: child.stdout, ended: endOf(child, tool, kill), kill };
}

function endOf(child: ChildProcess, tool: Tool, kill: () => void): Promise<ToolEnd> {
  return new Promise((resolve, reject) => {
    let said = '';
    child.stderr?.setEncoding('latin1').on('data', (text: string) => {
      said = (said + text).slice(0, keptErrorBytes);
    });
    tool.signal.addEventListener('abort', kill, { once: true });
    if (tool.signal.aborted) kill();
    child.once('error', (cause) => {
      reject(toolFault(tool, cause));
    });
    child.once('close', (code, signal) => {
      tool.signal.removeEventListener('abort', kill);
      if (tool.signal.aborted) reject(tool.signal.reason as Error);
      else if (code === 0) resolve({ kind: 'done' });
      else if (code === 127 || code === 126) reject(toolFault(tool, new Error(said.trim())));
      else if (signal !== null) resolve({ kind: 'limit' });
      else resolve({ kind: 'failed', code: code ?? 1, why: firstLine(said) || `${tool.file} ended with code ${code}` });
    });
  });
}

function toolFault({ file, package: name }: Tool, cause: unknown): RackwrightError {
  return new RackwrightError('image-tool', `${file} cannot be run: install the package ${name}`, { cause });
}

/** The program's own words without what would act on a terminal. */
function firstLine(text: string): string {
  return text
    .trim()
    .split('\n', 1)
    .join('')
    .replaceAll(/[^\x20-\x7e]/g, ' ')
    .slice(0, 200);
}

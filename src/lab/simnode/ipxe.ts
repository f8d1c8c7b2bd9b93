/**
 * As much of iPXE's script language as boot scripts use: `set`, `echo`, `kernel`, `initrd`, `imgfetch`, `chain`, `boot`,
 * `goto`, labels, `exit`, `sleep`, `||` and `${settings}`. Fetching is an argument.
 */
export interface IpxeHost {
  /** Fetches an image; undefined if that failed. */
  fetch(url: string): Promise<Uint8Array | undefined>;
  /** `sleep`, in seconds. */
  sleep(seconds: number): Promise<void>;
}

export type IpxeEnd =
  | { readonly kind: 'boot'; readonly kernelUrl: string; readonly args: string; readonly initrds: readonly Image[] }
  | { readonly kind: 'exit'; readonly said: readonly string[] }
  | { readonly kind: 'error'; readonly message: string };

interface Image {
  readonly url: string;
  readonly bytes: Uint8Array;
}

interface Machine {
  readonly settings: Map<string, string>;
  readonly said: string[];
  kernel?: { url: string; args: string };
  initrds: Image[];
}

/** So many lines are executed at most: a script that loops is an error. */
const maxSteps = 1000;

/** Executes a script until it boots, exits, or fails. */
export async function runScript(script: string, host: IpxeHost): Promise<IpxeEnd> {
  const lines = script.split('\n').map((line) => line.trim());
  if (lines[0] !== '#!ipxe')
    return { kind: 'error', message: 'Exec format error: the script does not begin with #!ipxe' };
  const machine: Machine = { settings: new Map([['errno', '0']]), said: [], initrds: [] };
  let at = 1;
  for (let step = 0; at < lines.length; step += 1) {
    if (step > maxSteps) return { kind: 'error', message: 'the script does not end' };
    const end = await execute(expand(lines[at] ?? '', machine.settings), machine, host);
    if (end === 'next') at += 1;
    else if ('goto' in end) {
      at = lines.indexOf(`:${end.goto}`);
      if (at < 0) return { kind: 'error', message: `No such label: ${end.goto}` };
    } else return end;
  }
  return { kind: 'exit', said: machine.said };
}

type Step = 'next' | { readonly goto: string } | IpxeEnd;

/** One line: `command || alternative`. A command that fails without an alternative ends the script. */
async function execute(line: string, machine: Machine, host: IpxeHost): Promise<Step> {
  if (line === '' || line.startsWith('#') || line.startsWith(':')) return 'next';
  const [first = '', ...alternatives] = line.split('||').map((part) => part.trim());
  const done = await command(first, machine, host);
  if (done !== 'failed') return done;
  if (alternatives.length === 0) return { kind: 'error', message: `'${first}' failed` };
  return alternatives[0] === '' ? 'next' : execute(alternatives.join('||'), machine, host);
}

async function command(line: string, machine: Machine, host: IpxeHost): Promise<Step | 'failed'> {
  const [name = '', ...words] = line.split(/\s+/);
  const rest = words.join(' ');
  switch (name) {
    case 'set':
      machine.settings.set(words[0] ?? '', words.slice(1).join(' '));
      return 'next';
    case 'echo':
      machine.said.push(rest);
      return 'next';
    case 'goto':
      return { goto: rest };
    case 'sleep':
      await host.sleep(Number(rest));
      return 'next';
    case 'exit':
      return { kind: 'exit', said: machine.said };
    case 'boot':
      return machine.kernel
        ? { kind: 'boot', kernelUrl: machine.kernel.url, args: machine.kernel.args, initrds: machine.initrds }
        : 'failed';
    case 'kernel':
    case 'initrd':
    case 'imgfetch':
      return fetchImage(name, words, machine, host);
    default:
      return { kind: 'error', message: `${name}: command not found` };
  }
}

async function fetchImage(name: string, words: string[], machine: Machine, host: IpxeHost): Promise<'next' | 'failed'> {
  const [url = '', ...args] = words[0] === '--name' ? words.slice(2) : words;
  const bytes = await host.fetch(url);
  if (!bytes) {
    // "No such file or directory", as iPXE reports an HTTP 404.
    machine.settings.set('errno', '0x2d0c618e');
    return 'failed';
  }
  if (name === 'kernel') machine.kernel = { url, args: args.join(' ') };
  if (name === 'initrd') machine.initrds.push({ url, bytes });
  return 'next';
}

function expand(line: string, settings: ReadonlyMap<string, string>): string {
  return line.replace(/\$\{([^}]*)\}/g, (_, name: string) => settings.get(name) ?? '');
}

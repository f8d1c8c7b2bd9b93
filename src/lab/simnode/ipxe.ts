/**
 * As much of iPXE's script language as boot scripts use: `set`, `inc`, `iseq`, `echo`, `kernel`, `initrd`, `imgfetch`,
 * `imgfree`, `chain --replace`, `boot`, `goto`, labels, `exit`, `sleep`, `&&`, `||` and `${settings}`. Fetching is an
 * argument.
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

/** Executes a script, and those that replace it, until one boots, exits, or fails. */
export async function runScript(script: string, host: IpxeHost): Promise<IpxeEnd> {
  const machine: Machine = { settings: new Map([['errno', '0']]), said: [], initrds: [] };
  let lines = script.split('\n').map((line) => line.trim());
  if (!isScript(lines)) return { kind: 'error', message: 'Exec format error: the script does not begin with #!ipxe' };
  let at = 1;
  for (let step = 0; at < lines.length; step += 1) {
    if (step > maxSteps) return { kind: 'error', message: 'the script does not end' };
    const end = await execute(expand(lines[at] ?? '', machine.settings), machine, host);
    if (end === 'done') at += 1;
    else if (end === 'failed') return { kind: 'error', message: `'${lines[at] ?? ''}' failed` };
    else if ('replacedBy' in end) [lines, at] = [end.replacedBy, 1];
    else if ('goto' in end) {
      at = lines.indexOf(`:${end.goto}`);
      if (at < 0) return { kind: 'error', message: `No such label: ${end.goto}` };
    } else return end;
  }
  return { kind: 'exit', said: machine.said };
}

function isScript(lines: readonly string[]): boolean {
  return lines[0] === '#!ipxe';
}

type Step = 'done' | 'failed' | { readonly goto: string } | { readonly replacedBy: string[] } | IpxeEnd;

/** One line. As in a shell, `&&` and `||` decide from left to right by how the last command ended that was executed. */
async function execute(line: string, machine: Machine, host: IpxeHost): Promise<Step> {
  if (line.startsWith('#') || line.startsWith(':')) return 'done';
  let last: Step = 'done';
  for (const [, operator = '', text = ''] of line.matchAll(/(^|&&|\|\|)((?:(?!&&|\|\|).)*)/g)) {
    if (operator === (last === 'done' ? '||' : '&&')) continue;
    last = await command(text.trim(), machine, host);
    if (typeof last === 'object') return last;
  }
  return last;
}

async function command(line: string, machine: Machine, host: IpxeHost): Promise<Step> {
  const [name = '', ...words] = line.split(/\s+/);
  const act = commands[name];
  return act ? await act(words, machine, host) : { kind: 'error', message: `${name}: command not found` };
}

type Command = (words: string[], machine: Machine, host: IpxeHost) => Step | Promise<Step>;

const commands: Readonly<Record<string, Command>> = {
  '': () => 'done',
  set: ([name = '', ...words], { settings }) => {
    settings.set(name, words.join(' '));
    return 'done';
  },
  inc: ([name = ''], { settings }) => {
    settings.set(name, (Number(settings.get(name) ?? 0) + 1).toString());
    return 'done';
  },
  iseq: ([one, other]) => (one === other ? 'done' : 'failed'),
  echo: (words, { said }) => {
    said.push(words.join(' '));
    return 'done';
  },
  goto: ([label = '']) => ({ goto: label }),
  sleep: async ([seconds], _, host): Promise<Step> => {
    await host.sleep(Number(seconds));
    return 'done';
  },
  exit: (_, { said }) => ({ kind: 'exit', said }),
  boot: (_, { kernel, initrds }) =>
    kernel ? { kind: 'boot', kernelUrl: kernel.url, args: kernel.args, initrds } : 'failed',
  kernel: async (words, machine, host) => {
    const image = await fetchImage(words, machine, host);
    if (image) machine.kernel = { url: image.url, args: image.args.join(' ') };
    return image ? 'done' : 'failed';
  },
  initrd: async (words, machine, host) => {
    const image = await fetchImage(words, machine, host);
    if (image) machine.initrds.push(image);
    return image ? 'done' : 'failed';
  },
  imgfetch: async (words, machine, host) => ((await fetchImage(words, machine, host)) ? 'done' : 'failed'),
  imgfree: (_, machine) => {
    delete machine.kernel;
    machine.initrds = [];
    return 'done';
  },
  chain: async (words, machine, host) => {
    const image = await fetchImage(words, machine, host);
    const lines = Buffer.from(image?.bytes ?? [])
      .toString()
      .split('\n')
      .map((line) => line.trim());
    return isScript(lines) ? { replacedBy: lines } : 'failed';
  },
};

/** `[--name NAME] [--FLAG...] URL [ARGUMENTS]`. */
async function fetchImage(
  words: readonly string[],
  machine: Machine,
  host: IpxeHost,
): Promise<(Image & { readonly args: string[] }) | undefined> {
  const [url = '', ...args] = words.slice(
    words.findIndex((word, at) => !word.startsWith('--') && words[at - 1] !== '--name'),
  );
  const bytes = await host.fetch(url);
  // "No such file or directory", as iPXE reports an HTTP 404.
  if (!bytes) machine.settings.set('errno', '0x2d0c618e');
  return bytes && { url, bytes, args };
}

function expand(line: string, settings: ReadonlyMap<string, string>): string {
  return line.replace(/\$\{([^}]*)\}/g, (_, name: string) => settings.get(name) ?? '');
}

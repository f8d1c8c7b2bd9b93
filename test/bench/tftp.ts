/** How fast files leave our TFTP server, beside dnsmasq and in.tftpd (where installed). Needs root. */
import { execFile, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { createLog } from '../../src/log.ts';
import { createFileOpener } from '../../src/tftp/root.ts';
import { createTftpServer } from '../../src/tftp/server.ts';
import { requireProgram } from '../support/netns.ts';
import { inTurns, report, reportSkipped } from './report.ts';

const run = promisify(execFile);
const ourPort = 6969;

interface Case {
  readonly name: string;
  readonly clients: number;
  readonly megabytes: number;
  /** Arguments of curl, or of atftp where windows are wanted, which curl does not know. */
  readonly program: 'curl' | 'atftp';
  readonly options: readonly string[];
}

const cases: readonly Case[] = [
  { name: 'tftp-1-client-512', clients: 1, megabytes: 30, program: 'curl', options: ['--tftp-blksize', '512'] },
  { name: 'tftp-1-client-1468', clients: 1, megabytes: 30, program: 'curl', options: ['--tftp-blksize', '1468'] },
  { name: 'tftp-20-clients-1468', clients: 20, megabytes: 4, program: 'curl', options: ['--tftp-blksize', '1468'] },
  {
    name: 'tftp-1-client-1468-window-16',
    clients: 1,
    megabytes: 30,
    program: 'atftp',
    options: ['--option', 'blksize 1468', '--option', 'windowsize 16'],
  },
];

/** MB/s of all clients of a case together, from the server on `port`. */
async function measure({ clients, megabytes, program, options }: Case, port: number): Promise<number> {
  const file = `${megabytes}MB`;
  const command =
    program === 'curl'
      ? ['-sS', ...options, '-o', '/dev/null', `tftp://127.0.0.1:${port}/${file}`]
      : [...options, '--get', '-r', file, '-l', '/dev/null', '127.0.0.1', String(port)];
  const start = performance.now();
  await Promise.all(Array.from({ length: clients }, () => run(program, command)));
  return (clients * megabytes) / ((performance.now() - start) / 1000);
}

async function compare(
  peer: string,
  start: (root: string) => Promise<() => Promise<void>>,
  root: string,
): Promise<void> {
  const stop = await start(root);
  try {
    for (const one of cases) {
      const measured = await inTurns({ ours: () => measure(one, ourPort), peer: () => measure(one, 69) });
      report({ name: `${one.name}-vs-${peer}`, ...measured, unit: 'MB/s' });
    }
  } finally {
    await stop();
  }
}

async function startPeer(program: string, args: readonly string[]): Promise<() => Promise<void>> {
  const child = spawn(program, args, { stdio: 'ignore' });
  const ended = once(child, 'exit');
  for (let attempt = 0; attempt < 50; attempt++) {
    const reached = await run('curl', ['-s', '-m', '1', '-o', '/dev/null', 'tftp://127.0.0.1/small']).then(
      () => true,
      () => false,
    );
    if (reached) break;
  }
  return async () => {
    child.kill();
    await ended;
  };
}

const peers: Readonly<Record<string, (root: string) => Promise<() => Promise<void>>>> = {
  dnsmasq: (root) =>
    startPeer('dnsmasq', [
      ...['--keep-in-foreground', '--conf-file=/dev/null', '--port=0', '--user=root', '--pid-file='],
      ...['--enable-tftp', `--tftp-root=${root}`, '--listen-address=127.0.0.1', '--bind-interfaces'],
    ]),
  'in.tftpd': (root) =>
    startPeer('in.tftpd', [
      '--foreground',
      '--listen',
      '--address',
      '127.0.0.1:69',
      '--user',
      'root',
      '--secure',
      root,
    ]),
};

async function bench(): Promise<void> {
  const root = mkdtempSync(join(tmpdir(), 'rw-bench-tftp-'));
  for (const megabytes of new Set(cases.map((one) => one.megabytes))) {
    writeFileSync(join(root, `${megabytes}MB`), Buffer.alloc(megabytes * 1e6, 'x'));
  }
  writeFileSync(join(root, 'small'), 'small');
  const server = createTftpServer({
    address: '127.0.0.1',
    port: ourPort,
    open: createFileOpener(root),
    record: () => undefined,
    log: createLog('silent'),
  });
  await server.start();
  try {
    requireProgram('dnsmasq', 'dnsmasq-base');
    for (const [peer, start] of Object.entries(peers)) {
      if (installed(peer)) await compare(peer, start, root);
      else reportSkipped(`tftp-vs-${peer}`, `${peer} is not installed`);
    }
  } finally {
    await server.stop();
    rmSync(root, { recursive: true });
  }
}

function installed(program: string): boolean {
  try {
    requireProgram(program, program);
    return true;
  } catch {
    return false;
  }
}

/** Port 69 of this machine may be in use: everything happens in a network namespace that ends with the process. */
if (process.argv[2] === 'inside') await bench();
else {
  const inside = 'ip link set lo up && exec "$@"';
  const command = ['-n', 'sh', '-c', inside, 'sh', process.execPath, import.meta.filename, 'inside'];
  execFileSync('unshare', command, { stdio: 'inherit' });
}

import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import tftp from 'tftp';
import { createLog } from '../../src/log.ts';
import type { NewFact } from '../../src/model/fact.ts';
import { createFileOpener } from '../../src/tftp/root.ts';
import { createTftpServer } from '../../src/tftp/server.ts';
import type { TftpServer } from '../../src/tftp/server.ts';
import { requireProgram } from '../support/netns.ts';

/** Fetches `file` of the server at `port` into the path `out`; rejects if it fails. */
type Fetch = (port: number, file: string, out: string) => Promise<unknown>;

interface Peer {
  readonly program: string;
  readonly debianPackage: string;
  readonly fetch: Fetch;
}

function run(program: string, args: readonly string[]): Promise<{ code: number; output: string }> {
  return new Promise((resolve) => {
    execFile(program, args, { timeout: 60_000 }, (error, stdout, stderr) => {
      resolve({ code: typeof error?.code === 'number' ? error.code : error ? -1 : 0, output: stdout + stderr });
    });
  });
}

async function mustRun(program: string, args: readonly string[]): Promise<void> {
  const { code, output } = await run(program, args);
  if (code !== 0) throw new Error(`${program} ended with ${code}: ${output}`);
}

const curl = (...options: string[]): Peer => ({
  program: 'curl',
  debianPackage: 'curl',
  fetch: (port, file, out) => mustRun('curl', ['-sS', ...options, '-o', out, `tftp://127.0.0.1:${port}/${file}`]),
});
const hpa = (mode: string): Peer => ({
  program: 'tftp',
  debianPackage: 'tftp-hpa',
  fetch: (port, file, out) => mustRun('tftp', ['-m', mode, '127.0.0.1', String(port), '-c', 'get', file, out]),
});
const atftp = (...options: string[]): Peer => ({
  program: 'atftp',
  debianPackage: 'atftp',
  fetch: (port, file, out) =>
    mustRun('atftp', [
      ...options.flatMap((option) => ['--option', option]),
      '--get',
      '-r',
      file,
      '-l',
      out,
      '127.0.0.1',
      String(port),
    ]),
});
const busybox = (...options: string[]): Peer => ({
  program: 'busybox',
  debianPackage: 'busybox',
  fetch: (port, file, out) =>
    mustRun('busybox', ['tftp', '-g', ...options, '-r', file, '-l', out, '127.0.0.1', String(port)]),
});
/** The package `tftp`, with options that its types in this project leave out. */
const npm = (options: object): Peer => ({
  program: 'node',
  debianPackage: 'nodejs',
  fetch: async (port, file, out) => {
    const stream = tftp.createClient({ host: '127.0.0.1', port, ...options }).createGetStream(file);
    // It closes before it ends, which `pipeline` takes for a failure.
    const chunks: Buffer[] = [];
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    await new Promise((resolve, reject) => stream.on('end', resolve).on('error', reject));
    await writeFile(out, Buffer.concat(chunks));
  },
});

const peers: Readonly<Record<string, Peer>> = {
  'curl, blocks of 512': curl('--tftp-blksize', '512'),
  'curl, blocks of 1468': curl('--tftp-blksize', '1468'),
  'curl, no options': curl('--tftp-no-options'),
  'tftp-hpa': hpa('binary'),
  'atftp, no options': atftp(),
  'atftp, blocks of 1428, size, timeout': atftp('blksize 1428', 'tsize 0', 'timeout 3'),
  'atftp, windows of 8': atftp('blksize 1468', 'windowsize 8'),
  'busybox, no options': busybox(),
  'busybox, blocks of 1468': busybox('-b', '1468'),
  'npm tftp, its defaults': npm({}),
  'npm tftp, blocks of 512': npm({ blockSize: 512, windowSize: 1 }),
};

const content = (size: number) =>
  Buffer.alloc(size, Buffer.from(Uint8Array.from({ length: 251 }, (_, index) => index)));
const files: Readonly<Record<string, Buffer>> = {
  empty: Buffer.alloc(0),
  one: Buffer.from('1'),
  'four-of-512': content(4 * 512),
  'three-of-1468': content(3 * 1468),
  loader: content(173_792),
};
/** More than 65,536 blocks of 512 bytes: block numbers wrap to 0. */
const large = content(35_000_000);

let directory: string;
let server: TftpServer;
let port: number;
let facts: NewFact[];

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'rw-peers-tftp-'));
  for (const [name, bytes] of Object.entries({ ...files, large })) await writeFile(join(directory, name), bytes);
  await writeFile(join(directory, 'text'), 'one\ntwo\rthree\n');
});
beforeEach(async () => {
  facts = [];
  const record = (fact: NewFact) => facts.push(fact);
  server = createTftpServer({
    address: '127.0.0.1',
    port: 0,
    open: createFileOpener(directory),
    record,
    log: createLog('silent'),
  });
  await server.start();
  port = server.local()!.port;
});
afterEach(() => server.stop());
afterAll(() => rm(directory, { recursive: true }));

describe.each(Object.entries(peers))('%s', (_name, { program, debianPackage, fetch }) => {
  const out = () => join(directory, 'out');
  beforeEach(async () => {
    requireProgram(program, debianPackage);
    await rm(out(), { force: true });
  });

  test.each(Object.entries(files))('fetches the file %s', async (file, bytes) => {
    await fetch(port, file, out());
    expect(Buffer.compare(await readFile(out()), bytes)).toBe(0);
    expect(facts.filter(({ kind }) => kind === 'tftp.failed')).toEqual([]);
  });
});

test.each([
  'curl, blocks of 512',
  'curl, blocks of 1468',
  'tftp-hpa',
  'atftp, windows of 8',
  'busybox, blocks of 1468',
  'npm tftp, blocks of 512',
])(
  '%s fetches 35 MB',
  async (name) => {
    const { program, debianPackage, fetch } = peers[name]!;
    requireProgram(program, debianPackage);
    await fetch(port, 'large', join(directory, 'out'));
    expect(Buffer.compare(await readFile(join(directory, 'out')), large)).toBe(0);
  },
  60_000,
);

test('tftp-hpa gets a text back as it was by netascii', async () => {
  const { fetch } = hpa('ascii');
  await fetch(port, 'text', join(directory, 'out'));
  expect(await readFile(join(directory, 'out'), 'utf8')).toBe('one\ntwo\rthree\n');
});

test.each([
  ['none', 'a file that is not there', 68],
  ['..%2f..%2fetc/passwd', 'a way out', 69],
])('curl is refused %s', async (file, _what, code) => {
  expect((await run('curl', ['-sS', `tftp://127.0.0.1:${port}/${file}`])).code).toBe(code);
});

test('curl may not write', async () => {
  const { code } = await run('curl', ['-sS', '-T', join(directory, 'loader'), `tftp://127.0.0.1:${port}/new`]);
  expect(code).toBe(69);
  expect(facts).toMatchObject([{ kind: 'tftp.refused', data: { path: 'new', code: 2 } }]);
});

import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { createTestNet, requireProgram, type Finished, type TestNet } from '../support/netns.ts';
import { scratchDirectory } from '../support/socket-path.ts';
import { commandBlocks, createShell, type ReadersShell } from '../support/tutorial-blocks.ts';

/**
 * docs/tutorials/first-node.md from `make lab` to `make lab-down` with virtual servers, each command as it stands there.
 * In a network namespace, where port 9090 is free; the lab is the one named `lab`, and there must be none.
 */

const home = resolve(import.meta.dirname, '../..');
const blocks = commandBlocks(join(home, 'docs/tutorials/first-node.md')).filter(({ needs }) => needs !== 'compose');
const scratch = scratchDirectory();
let net: TestNet<'reader'>;
let shell: ReadersShell;

beforeAll(async () => {
  requireProgram('nsenter', 'util-linux');
  requireProgram('ssh', 'openssh-client');
  if (existsSync('/tmp/rackwright-lab-lab')) throw new Error('there is a lab on this machine: make lab-down');
  // Where no interface but the loopback has an IPv4 address, `localhost` may have none (getaddrinfo's AI_ADDRCONFIG).
  net = await createTestNet({ reader: '192.0.2.2/24' });
  shell = createShell(enter, scratch.path);
}, 60_000);

afterAll(async () => {
  if (existsSync('/tmp/rackwright-lab-lab')) await shell.type('make lab-down', 60_000);
  await net.close();
  scratch.remove();
}, 90_000);

/** Not by `ip netns exec`, which hides what a program mounts: the lab's own namespaces are mounts. */
function enter(argv: readonly string[], { timeoutMs }: { timeoutMs: number }): Promise<Finished> {
  const args = [`--net=/run/netns/${net.hosts.reader.namespace}`, ...argv];
  return new Promise((done) => {
    execFile('nsenter', args, { cwd: home, timeout: timeoutMs, killSignal: 'SIGKILL' }, (error, stdout, stderr) => {
      done({ code: error === null ? 0 : typeof error.code === 'number' ? error.code : 255, stdout, stderr });
    });
  });
}

// One after the other: each builds on what the one before left.
test.each(blocks.map(({ chapter, commands }) => [chapter, commands] as const))(
  '%s: %s',
  async (_chapter, commands) => {
    expect(await shell.type(commands, 900_000)).toMatch(/\S/);
  },
  910_000,
);

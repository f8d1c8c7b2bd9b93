import { spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * Why `src/tftp` is our own and not the server of the package `tftp`, which we use as a client only. The day this test
 * fails, the package is mended and may be looked at again.
 */
const program = `
  import tftp from 'tftp';
  const server = tftp.createServer({ host: '127.0.0.1', port: Number(process.argv[1]), root: process.argv[2] });
  server.on('listening', () => process.stdout.write('listening'));
  server.on('error', () => undefined);
  server.listen();
`;

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'rw-why-not-'));
  await writeFile(join(directory, 'loader'), Buffer.alloc(5000));
});
afterEach(() => rm(directory, { recursive: true }));

async function freePort(): Promise<number> {
  const probe = createSocket('udp4').bind(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address();
  await new Promise<void>((resolve) => probe.close(resolve));
  return port;
}

test('the server of the package tftp dies of one datagram of one byte', async () => {
  const port = await freePort();
  const child = spawn(process.execPath, ['--input-type=module', '-e', program, String(port), directory], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = once(child, 'exit') as Promise<[number | null]>;
  let complaint = '';
  child.stderr.on('data', (chunk: Buffer) => (complaint += chunk.toString()));
  const client = createSocket('udp4');
  try {
    await once(child.stdout, 'data');
    client.send('\0\x01loader\0octet\0', port, '127.0.0.1');
    const [, transfer] = (await once(client, 'message')) as [Buffer, { port: number }];
    client.send(Uint8Array.of(0), transfer.port, '127.0.0.1');
    const [code] = await ended;
    expect(code).not.toBe(0);
    expect(complaint).toMatch(/RangeError/);
  } finally {
    client.close();
    child.kill();
    await ended;
  }
});

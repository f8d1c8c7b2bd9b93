import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { openDatagram } from '../../src/net/datagram.ts';
import { dhcpOf } from '../dhcp/captures.ts';
import { encodePacket } from '../../src/dhcp/packet.ts';
import { makeMessage } from '../dhcp/messages.ts';

/**
 * Why `src/dhcp` is our own and not the server of the package `dhcp`, whose decoder we use as an independent reader only.
 * The day this test fails, the package is mended and may be looked at again.
 */
const program = `
  import dhcp from 'dhcp';
  const server = dhcp.createServer({
    range: ['127.0.0.10', '127.0.0.99'], server: '127.0.0.1', netmask: '255.0.0.0', router: ['127.0.0.1'],
    dns: ['127.0.0.1'], broadcast: '127.255.255.255', leaseTime: 600, static: {}, randomIP: false,
  });
  server.on('error', () => undefined);
  server.on('message', () => setImmediate(() => console.log('survived')));
  server.listen(0, '127.0.0.1');
  server.on('listening', (socket) => console.log('port ' + socket.address().port));
`;

async function send(datagram: Uint8Array) {
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], { stdio: 'pipe' });
  const ended = once(child, 'exit') as Promise<[number | null]>;
  const survived = Promise.withResolvers<'survived'>();
  const port = Promise.withResolvers<number>();
  let output = '';
  let complaint = '';
  child.stderr.on('data', (chunk: Buffer) => (complaint += chunk.toString()));
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString();
    const listening = /port (\d+)/.exec(output);
    if (listening !== null) port.resolve(Number(listening[1]));
    if (output.includes('survived')) survived.resolve('survived');
  });
  const ignore = () => undefined;
  const socket = await openDatagram({ address: '127.0.0.1', port: 0, onDatagram: ignore, onError: ignore });
  try {
    await socket.send(datagram, { address: '127.0.0.1', port: await port.promise });
    const end = await Promise.race([survived.promise, ended.then(([code]) => `died with ${code}`)]);
    return { end, complaint };
  } finally {
    child.kill();
    await ended;
    await socket.close();
  }
}

test('the server of the package dhcp dies of the DISCOVER of a standard PXE firmware', async () => {
  const [discover] = dhcpOf('ovmf-pxe-snponly');
  const { end, complaint } = await send(discover!.payload);
  expect(end).toBe('died with 1');
  expect(complaint).toContain('Invalid option undefined');
});

test('it lives on a DISCOVER that asks for little', async () => {
  const { end } = await send(encodePacket(makeMessage('DISCOVER', { options: { 55: [1, 3, 6] } })).bytes);
  expect(end).toBe('survived');
});

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createSimNode } from '../../../src/lab/simnode/node.ts';
import type { Relay } from '../../../src/lab/simnode/relay.ts';
import { waitFor } from '../../../src/lab/wait.ts';
import { createLog } from '../../../src/log.ts';
import { createFileOpener } from '../../../src/tftp/root.ts';
import { createTftpServer } from '../../../src/tftp/server.ts';

const tftpPort = 21_989;

test('a loader that gets no address is no end: the machine begins its boot again', async () => {
  const root = mkdtempSync(join(tmpdir(), 'rw-simnode-'));
  writeFileSync(join(root, 'loader'), 'loader');
  const open = createFileOpener(root);
  const log = createLog('silent');
  const server = createTftpServer({ address: '127.0.0.1', port: tftpPort, open, record: () => undefined, log });
  await server.start();
  const relay: Relay = {
    ask: ({ stage, type, xid }) => {
      const answer = { xid, address: '127.0.0.1', server: '127.0.0.1', nextServer: '127.0.0.1', file: 'loader' };
      const reply = { ...answer, type: type === 'discover' ? ('offer' as const) : ('ack' as const) };
      return Promise.resolve(stage === 'firmware' ? reply : undefined);
    },
    close: () => Promise.resolve(),
  };
  const steps: string[] = [];
  const node = createSimNode({
    mac: '52:54:00:5a:00:01',
    uuid: '5a5a0000-0000-4000-8000-000000000001',
    arch: 0,
    relay,
    tftpPort,
    run: () => ({ code: 0, stdout: '', stderr: '' }),
    onStep: (step) => steps.push(step),
    speed: 1_000,
  });
  node.powerOn();
  await waitFor('a second boot', () => (node.boots() > 1 ? true : undefined), { deadlineMs: 20_000 });
  node.powerOff();
  await server.stop();
  rmSync(root, { recursive: true });
  expect(steps.slice(0, 5)).toEqual(['power on', 'address', 'loader', 'no address', 'power on']);
});

import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { createForwarder } from '../../src/lab/forward.ts';
import { scratchDirectory } from '../support/socket-path.ts';

describe('forwarder', () => {
  const scratch = scratchDirectory();
  afterAll(() => {
    scratch.remove();
  });

  it('carries both directions from TCP to a unix socket, and each end’s end', async () => {
    const path = join(scratch.path, 'far.sock');
    // Answers only after the client has said all: a forwarder that closes both sides at once would lose the answer.
    const far = createServer({ allowHalfOpen: true }, (socket) => {
      let text = '';
      socket.on('data', (bytes) => (text += bytes.toString()));
      socket.on('end', () => socket.end(text.toUpperCase()));
    }).listen(path);
    await once(far, 'listening');
    const forwarder = await createForwarder({ host: '127.0.0.1', port: 0 }, { path });
    const client = connect({ host: '127.0.0.1', port: forwarder.port!, allowHalfOpen: true });
    client.end('x'.repeat(200_000));
    let answer = '';
    client.on('data', (bytes) => (answer += bytes.toString()));
    await once(client, 'close');
    expect(answer).toBe('X'.repeat(200_000));
    await forwarder.close();
    far.close();
    await once(far, 'close');
  });

  it('drops a client where nobody listens behind it', async () => {
    const forwarder = await createForwarder({ host: '127.0.0.1', port: 0 }, { path: join(scratch.path, 'none.sock') });
    const client = connect({ host: '127.0.0.1', port: forwarder.port! });
    client.on('error', () => undefined);
    await once(client, 'close');
    expect(client.bytesRead).toBe(0);
    await forwarder.close();
  });

  it('says so when its port is taken', async () => {
    const first = await createForwarder({ host: '127.0.0.1', port: 0 }, { path: '/none' });
    await expect(createForwarder({ host: '127.0.0.1', port: first.port! }, { path: '/none' })).rejects.toMatchObject({
      code: 'port-in-use',
    });
    await first.close();
  });
});

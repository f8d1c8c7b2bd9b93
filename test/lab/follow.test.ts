import { once } from 'node:events';
import type { Server } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { Control } from '../../src/lab/control.ts';
import { createControl } from '../../src/lab/control.ts';
import { controlStreams } from '../../src/lab/control-routes.ts';
import { createLabEvents } from '../../src/lab/events.ts';
import { follow } from '../../src/lab/follow.ts';
import type { Progress } from '../../src/lab/progress.ts';
import { noProgress } from '../../src/lab/progress.ts';
import { scratchDirectory } from '../support/socket-path.ts';

const mac = '52:54:00:77:01:00';
const event = (id: number, kind: string): string =>
  `id: ${id.toString(16).padStart(24, '0')}\ndata: ${JSON.stringify({ kind, mac, at: new Date(id * 1000).toISOString(), text: kind })}\n\n`;

describe('following a lab', () => {
  const scratch = scratchDirectory();
  const events = createLabEvents(() => new Date(500));
  const asked: string[] = [];
  let server: Server;
  let control: Control;

  beforeAll(async () => {
    control = await createControl(join(scratch.path, 'c.sock'), [], controlStreams(events));
    // The first stream breaks off, as when the server is killed.
    server = createServer((request, response) => {
      asked.push(request.url ?? '');
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(asked.length === 1 ? event(1, 'dhcp.ack') : event(2, 'boot.script'));
      if (asked.length === 1) setTimeout(() => response.destroy(), 50);
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
  });
  afterAll(async () => {
    server.closeAllConnections();
    server.close();
    await control.close();
    scratch.remove();
  });

  it('joins both streams, and goes on after the last fact when the server comes back', async () => {
    events.emit({ kind: 'power', node: 1, power: 'on', cause: 'bmc' });
    const done = new AbortController();
    let last: Progress = [];
    await follow(noProgress([{ number: 1, kind: 'bios', mac }]), {
      url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      control: join(scratch.path, 'c.sock'),
      signal: done.signal,
      onChange: (progress) => {
        last = progress;
        const { power, script } = progress[0]!.reached;
        if (power !== undefined && script !== undefined) done.abort();
      },
    });
    expect(last[0]?.reached).toEqual({ power: 500, dhcp: 1000, script: 2000 });
    expect(asked).toEqual(['/events?from=start', '/events?from=000000000000000000000001']);
  });

  it('ends when the lab does', async () => {
    const socket = join(scratch.path, 'short.sock');
    const short = await createControl(socket, [], controlStreams(createLabEvents(() => new Date(0))));
    const signal = new AbortController().signal;
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const followed = follow([], { url, control: socket, signal, onChange: () => void short.close() });
    await expect(followed).rejects.toMatchObject({ code: 'no-lab' });
  });
});

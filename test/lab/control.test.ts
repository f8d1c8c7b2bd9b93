import { statSync } from 'node:fs';
import { join } from 'node:path';
import type { Control } from '../../src/lab/control.ts';
import { createControl } from '../../src/lab/control.ts';
import { askSocket, followSocket } from '../../src/lab/control-client.ts';
import { scratchDirectory } from '../support/socket-path.ts';

describe('control socket', () => {
  const scratch = scratchDirectory();
  const socket = join(scratch.path, 'control.sock');
  let control: Control;
  let write: (line: string) => void = () => undefined;
  let ended = 0;

  beforeEach(async () => {
    control = await createControl(
      socket,
      [
        {
          method: 'POST',
          path: /^\/nodes\/(\d+)\/x$/,
          handle: ({ groups }) => ({ status: 200, text: `node ${groups[0]}` }),
        },
        {
          method: 'GET',
          path: /^\/broken$/,
          handle: () => {
            throw new Error('out of order');
          },
        },
      ],
      [
        {
          path: '/events',
          open: (writer) => {
            write = writer;
            writer('first');
            return () => {
              ended += 1;
            };
          },
        },
      ],
    );
  });
  afterEach(async () => {
    await control.close();
  });
  afterAll(() => {
    scratch.remove();
  });

  const ask = (method: 'GET' | 'POST', path: string) => askSocket(socket, { method, path, deadlineMs: 2_000 });

  it('is for its own user alone', () => {
    expect(statSync(socket).mode & 0o777).toBe(0o600);
  });

  it('answers by method and path, and says what went wrong', async () => {
    await expect(ask('POST', '/nodes/7/x')).resolves.toEqual({ status: 200, text: 'node 7' });
    await expect(ask('GET', '/nodes/7/x')).resolves.toMatchObject({ status: 404 });
    await expect(ask('GET', '/broken')).resolves.toEqual({ status: 500, text: 'out of order\n' });
  });

  it('streams lines, and delivers the last ones before it closes', async () => {
    const lines: string[] = [];
    const stream = { socketPath: socket, path: '/events', signal: new AbortController().signal };
    const followed = followSocket(stream, (line) => {
      lines.push(line);
      if (line !== 'first') return;
      write('last words');
      void control.close();
    });
    await followed;
    expect(lines).toEqual(['first', 'last words']);
    expect(ended).toBe(1);
    control = await createControl(socket, [], []);
  });

  it('stops following when told to', async () => {
    const abort = new AbortController();
    await followSocket({ socketPath: socket, path: '/events', signal: abort.signal }, () => {
      abort.abort();
    });
    expect(abort.signal.aborted).toBe(true);
  });

  it('names a socket that nobody listens on', async () => {
    const nobody = join(scratch.path, 'nobody.sock');
    await expect(askSocket(nobody, { method: 'GET', path: '/', deadlineMs: 500 })).rejects.toMatchObject({
      code: 'unreachable',
      message: expect.stringContaining('nobody.sock') as string,
    });
  });
});

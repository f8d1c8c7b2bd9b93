import { once } from 'node:events';
import type { Server, Socket } from 'node:net';
import { createServer } from 'node:net';
import { join } from 'node:path';
import type { QmpEvent } from '../../src/lab/qmp.ts';
import { connectQmp, lineSplitter } from '../../src/lab/qmp.ts';
import { scratchDirectory } from '../support/socket-path.ts';

interface Command {
  readonly execute: string;
  readonly id: number;
  readonly arguments?: unknown;
}

describe('QMP client', () => {
  const scratch = scratchDirectory();
  const path = join(scratch.path, 'qmp.sock');
  let server: Server;
  let answer: (command: Command, socket: Socket) => string;
  const seen: Command[] = [];
  const events: QmpEvent[] = [];
  const connect = () =>
    connectQmp(path, { deadlineMs: 2_000, onEvent: (event) => events.push(event), alive: () => true });

  beforeEach(async () => {
    seen.length = 0;
    events.length = 0;
    answer = ({ id }) => `{"return": {}, "id": ${id}}\r\n`;
    server = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.write('{"QMP": {"version": {}, "capabilities": []}}\r\n');
      const split = lineSplitter((line) => {
        const command = JSON.parse(line) as Command;
        seen.push(command);
        socket.write(answer(command, socket));
      });
      socket.setEncoding('utf8').on('data', split);
    });
    server.listen(path);
    await once(server, 'listening');
  });
  afterEach(async () => {
    server.close();
    await once(server, 'close');
  });
  afterAll(() => {
    scratch.remove();
  });

  it('leaves negotiation mode, then runs commands', async () => {
    const qmp = await connect();
    answer = ({ id }) => `{"return": {"status": "running"}, "id": ${id}}\r\n`;
    await expect(qmp.execute('query-status', { a: 1 })).resolves.toEqual({ status: 'running' });
    expect(seen.map(({ execute }) => execute)).toEqual(['qmp_capabilities', 'query-status']);
    expect(seen[1]?.arguments).toEqual({ a: 1 });
    qmp.close();
  });

  it('tells answers from events, and whose answer is whose', async () => {
    const qmp = await connect();
    const held: string[] = [];
    answer = ({ execute, id }) => {
      held.unshift(`{"return": "${execute}", "id": ${id}}\n`);
      return held.length === 2 ? `{"event": "RESET", "data": {"guest": true}}\n${held.join('')}` : '';
    };
    await expect(Promise.all([qmp.execute('one'), qmp.execute('two')])).resolves.toEqual(['one', 'two']);
    expect(events).toEqual([{ event: 'RESET', data: { guest: true } }]);
    qmp.close();
  });

  it('throws what QEMU refuses', async () => {
    const qmp = await connect();
    answer = ({ id }) => `{"error": {"class": "GenericError", "desc": "no such thing"}, "id": ${id}}\n`;
    await expect(qmp.execute('x')).rejects.toMatchObject({ code: 'qmp', message: 'no such thing' });
    qmp.close();
  });

  it('gives up at its deadline, and at once where QEMU goes away', async () => {
    const qmp = await connect();
    answer = () => '';
    await expect(qmp.execute('slow', undefined, 20)).rejects.toMatchObject({ code: 'deadline' });
    answer = (_, socket) => {
      socket.destroy();
      return '';
    };
    await expect(qmp.execute('fatal')).rejects.toMatchObject({ code: 'qmp', message: 'QEMU has gone' });
    await expect(qmp.execute('later')).rejects.toMatchObject({ code: 'qmp' });
  });

  it('does not wait for a monitor of a QEMU that ended', async () => {
    const dead = { deadlineMs: 10_000, onEvent: () => undefined, alive: () => false };
    await expect(connectQmp(join(scratch.path, 'none.sock'), dead)).rejects.toMatchObject({ code: 'qmp' });
  });
});

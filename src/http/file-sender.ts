/**
 * The program of a sender process (src/http/file-senders.ts): sends files on connections that the server hands over, so
 * that the server's own event loop has nothing to do with the bytes. It ends with the server.
 */
import type { Socket } from 'node:net';
import { setPriority } from 'node:os';
import { pumpFile, type Pump } from './file-pump.ts';
import type { FromSender, ToSender } from './sender-messages.ts';

const progressMs = 1_000;

/**
 * Each transfer holds a buffer. The bytes are copied twice, into it and out of it: larger than this, it leaves the
 * processor's cache in between; smaller, the client is woken more often (docs/decisions/0002-file-senders.md). Beyond so
 * many transfers the buffers are small, so that clients who do not read do not fill the memory.
 */
const [chunkBytes, smallChunkBytes, mostWithLarge] = [512 * 1024, 64 * 1024, 64];

interface Transfer {
  readonly pump: Pump;
  readonly connection: Socket;
  told: number;
}

const transfers = new Map<number, Transfer>();
const tell = (message: FromSender): void => {
  // A server that is gone cannot be told; that ends this process anyway.
  process.send?.(message, undefined, undefined, () => undefined);
};

function send(order: ToSender & { kind: 'send' }, connection: Socket): void {
  const { id } = order;
  const pump = pumpFile(order, connection, transfers.size < mostWithLarge ? chunkBytes : smallChunkBytes);
  transfers.set(id, { pump, connection, told: 0 });
  void pump.ended.then((ended) => {
    transfers.delete(id);
    // The server has the connection too, and ends it.
    connection.destroy();
    tell({ kind: 'ended', id, ...ended });
  });
}

process.on('message', (message: ToSender, connection?: Socket) => {
  if (message.kind === 'cancel') transfers.get(message.id)?.connection.destroy();
  // A connection that broke before it came here comes as none.
  else if (connection === undefined) tell({ kind: 'ended', id: message.id, bytes: 0 });
  else send(message, connection);
});

const tellProgress = (): void => {
  const moving = [...transfers].filter(([, { pump, told }]) => pump.bytes() > told);
  for (const [, transfer] of moving) transfer.told = transfer.pump.bytes();
  tell({ kind: 'progress', sent: moving.map(([id, { told }]) => [id, told]) });
};

process.title = 'rackwright: sends files';
// A little behind DHCP and the API, where processors are scarce; at 10 a client on the same machine wakes too often.
setPriority(4);
// Signals to the process group are for the server: it decides when what is under way has to end.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined);
process.once('disconnect', () => process.exit());
// It may have been told to end while it was starting.
if (!process.connected) process.exit();
setInterval(tellProgress, progressMs);
tellProgress();

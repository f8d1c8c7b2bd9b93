import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { TLSSocket } from 'node:tls';
import { join } from 'node:path';
import type { Socket } from 'node:net';
import type { Log } from '../log.ts';
import { endsWithin } from '../net/ends-within.ts';
import type { Pumped } from './file-pump.ts';
import type { FileBody, FromSender, ToSender } from './sender-messages.ts';

export interface FileSendersOptions {
  /** How many processes. */
  readonly processes: number;
  readonly log: Log;
  /** Program of a sender; tests give another. */
  readonly program?: string;
}

/** Processes that send files on connections of this one. */
export interface FileSenders {
  /** Starts the processes; does not wait for them. */
  start(): void;
  /** Ends the processes, with what they send. */
  readonly stop: () => Promise<void>;
  /**
   * Sends the head of a response and has a sender send the body. Undefined if no sender can: nothing was sent then. Else
   * resolves when the sender has done with it, or is gone, or the client is; what remains is to end the response, or to
   * destroy it where fewer bytes were sent than wanted. The connection is closed after the response: what a client sends
   * before its end may be lost in the other process.
   */
  readonly take: (response: ServerResponse, body: FileBody) => Promise<Pumped> | undefined;
}

interface Sender {
  readonly child: ChildProcess;
  readonly transfers: Map<number, Transfer>;
  /** When it last said something; it does so each second. Never, as long as it is starting. */
  heardAt: number;
}

interface Transfer {
  readonly connection: Socket;
  bytes: number;
  end(pumped: Pumped): void;
}

const defaultProgram = join(import.meta.dirname, 'file-sender.ts');
/** How soon a sender that died is replaced; doubled while they die young. */
const restartMs = { first: 1_000, most: 60_000 };
/** A sender that says nothing for so long gets no more to do. */
const silentMs = 5_000;
/** A sender that has not ended so long after it was told is killed. */
const endMs = 2_000;

export function createFileSenders({ processes, log, program = defaultProgram }: FileSendersOptions): FileSenders {
  const senders = new Set<Sender>();
  const restarts = new Set<NodeJS.Timeout>();
  let stopping = false;
  let counter = 0;

  const startOne = (delayMs: number): void => {
    const since = performance.now();
    const sender = startSender(program, () => {
      senders.delete(sender);
      if (stopping) return;
      const next = performance.now() - since > restartMs.most ? restartMs.first : delayMs;
      const { pid, exitCode, signalCode } = sender.child;
      log.error(
        { event: 'http.sender-died', pid, exitCode, signal: signalCode },
        `a process that sends files died; another is started in ${next / 1000} s`,
      );
      const timer = setTimeout(() => {
        restarts.delete(timer);
        startOne(Math.min(next * 2, restartMs.most));
      }, next);
      restarts.add(timer);
    });
    senders.add(sender);
  };

  return {
    start: () => {
      stopping = false;
      for (let index = 0; index < processes; index++) startOne(restartMs.first);
    },
    stop: async () => {
      stopping = true;
      for (const timer of restarts) clearTimeout(timer);
      restarts.clear();
      await Promise.all([...senders].map(endSender));
    },
    take: (response, body) => {
      const [sender] = [...senders]
        .filter(({ heardAt, child }) => child.connected && performance.now() - heardAt < silentMs)
        .sort((a, b) => a.transfers.size - b.transfers.size);
      const connection = sender && sendHead(response);
      return sender && connection && hand(sender, ++counter, { response, connection }, body);
    },
  };
}

function startSender(program: string, died: () => void): Sender {
  const child = fork(program, [], { execArgv: [], stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  const sender: Sender = { child, transfers: new Map(), heardAt: -Infinity };
  child.on('message', (message: FromSender) => {
    sender.heardAt = performance.now();
    if (message.kind === 'ended') sender.transfers.get(message.id)?.end(message);
    else for (const [id, bytes] of message.sent) noteProgress(sender.transfers.get(id), bytes);
  });
  let over = false;
  const end = (): void => {
    if (over) return;
    over = true;
    for (const transfer of [...sender.transfers.values()])
      transfer.end({ bytes: transfer.bytes, error: 'the sender died' });
    died();
  };
  child.once('exit', end);
  // It could not be started, or not be told something: either way it is of no use any more.
  child.once('error', () => {
    child.kill('SIGKILL');
    if (child.pid === undefined) end();
  });
  return sender;
}

function noteProgress(transfer: Transfer | undefined, bytes: number): void {
  if (transfer === undefined) return;
  transfer.bytes = bytes;
  // The listener's limit for connections without a byte either way: the bytes pass this process by.
  transfer.connection.setTimeout(transfer.connection.timeout ?? 0);
}

/** Sends the head, and answers with the connection if it is one that another process can go on with. */
function sendHead(response: ServerResponse): Socket | undefined {
  const { socket } = response;
  if (socket === null || socket instanceof TLSSocket || socket.remoteAddress === undefined) return undefined;
  response.setHeader('connection', 'close');
  response.flushHeaders();
  return socket.writableLength === 0 ? socket : undefined;
}

function hand(
  sender: Sender,
  id: number,
  to: { response: ServerResponse; connection: Socket },
  body: FileBody,
): Promise<Pumped> {
  const { response, connection } = to;
  const { promise, resolve } = Promise.withResolvers<Pumped>();
  const tell = (message: ToSender): void => {
    if (sender.child.connected) sender.child.send(message);
  };
  const cancel = (): void => {
    tell({ kind: 'cancel', id });
  };
  const end = ({ bytes, error }: Pumped): void => {
    sender.transfers.delete(id);
    response.off('close', cancel);
    resolve({ bytes, ...(error !== undefined && { error }) });
  };
  const transfer: Transfer = { connection, bytes: 0, end };
  sender.transfers.set(id, transfer);
  response.once('close', cancel);
  const order: ToSender = { kind: 'send', id, ...body };
  sender.child.send(order, connection, { keepOpen: true }, (error) => {
    if (error !== null) end({ bytes: 0, error: error.message });
  });
  return promise;
}

async function endSender({ child }: Sender): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, 'exit');
  if (child.connected) child.disconnect();
  if (!(await endsWithin(exit, endMs))) child.kill('SIGKILL');
  await exit;
}

import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { RackwrightError } from '../errors.ts';
import { waitFor, within } from './wait.ts';

/** Something QEMU tells without being asked: `RESET`, `SHUTDOWN`, ... ("QEMU QMP Reference Manual", events). */
export interface QmpEvent {
  readonly event: string;
  readonly data: { readonly guest?: unknown };
}

/** A QEMU monitor (QEMU Machine Protocol). */
export interface Qmp {
  /** Runs one command. Throws code `qmp` where QEMU refuses it or goes away, `deadline` after `deadlineMs` (5 s). */
  readonly execute: (command: string, args?: object, deadlineMs?: number) => Promise<unknown>;
  /** Hands over a QEMU that went away too: a connection that has ended ends every command under way. */
  readonly close: () => void;
}

interface Pending {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** One line of the protocol, as far as we look at it. */
interface Message {
  readonly QMP?: unknown;
  readonly id?: number;
  readonly return?: unknown;
  readonly error?: { readonly class?: string; readonly desc?: string };
  readonly event?: string;
  readonly data?: { readonly guest?: unknown };
}

/** Connects as soon as the socket is there, and leaves negotiation mode. Throws code `deadline` or `qmp`. */
export async function connectQmp(
  path: string,
  options: { readonly deadlineMs: number; readonly onEvent: (event: QmpEvent) => void; readonly alive: () => boolean },
): Promise<Qmp> {
  const socket = await waitFor(
    `QEMU's monitor ${path}`,
    async () => {
      if (!options.alive()) throw new RackwrightError('qmp', 'QEMU ended before its monitor was there');
      return await tryConnect(path);
    },
    { deadlineMs: options.deadlineMs, stepMs: 20 },
  );
  const qmp = speak(socket, options.onEvent);
  await qmp.execute('qmp_capabilities', undefined, options.deadlineMs);
  return qmp;
}

async function tryConnect(path: string): Promise<Socket | undefined> {
  return await new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => {
      resolve(socket);
    });
    socket.once('error', () => {
      resolve(undefined);
    });
  });
}

function speak(socket: Socket, onEvent: (event: QmpEvent) => void): Qmp {
  const pending = new Map<number, Pending>();
  let lastId = 0;

  const answer = (id: number, message: Message): void => {
    const waiting = pending.get(id);
    pending.delete(id);
    if (message.error === undefined) waiting?.resolve(message.return);
    else waiting?.reject(new RackwrightError('qmp', message.error.desc ?? message.error.class ?? 'refused'));
  };
  const receive = (line: string): void => {
    const message = JSON.parse(line) as Message;
    if (message.event !== undefined) onEvent({ event: message.event, data: message.data ?? {} });
    else if (message.id !== undefined) answer(message.id, message);
  };
  const lines = lineSplitter(receive);
  socket.setEncoding('utf8');
  socket.on('data', (text: string) => {
    lines(text);
  });
  socket.on('error', () => undefined);
  socket.once('close', () => {
    for (const { reject } of pending.values()) reject(new RackwrightError('qmp', 'QEMU has gone'));
    pending.clear();
  });

  return {
    execute: async (command, args, deadlineMs = 5_000) => {
      if (socket.destroyed) throw new RackwrightError('qmp', 'QEMU has gone');
      const id = ++lastId;
      const result = new Promise<unknown>((resolve, reject) => {
        pending.set(id, { resolve, reject });
      });
      socket.write(`${JSON.stringify({ execute: command, ...(args && { arguments: args }), id })}\n`);
      try {
        return await within(`QEMU's answer to ${command}`, deadlineMs, result);
      } finally {
        pending.delete(id);
      }
    },
    close: () => {
      socket.destroy();
    },
  };
}

/** Calls `line` for each whole line of a stream that comes in pieces. */
export function lineSplitter(line: (text: string) => void): (piece: string) => void {
  let rest = '';
  return (piece) => {
    const parts = (rest + piece).split('\n');
    rest = parts.pop() ?? '';
    for (const part of parts) if (part.trim() !== '') line(part);
  };
}

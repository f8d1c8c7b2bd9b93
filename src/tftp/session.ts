import { connectDatagram } from '../net/datagram.ts';
import type { ConnectedSocket, Peer } from '../net/datagram.ts';
import type { Ipv4 } from '../net/address.ts';
import { encodePacket, readPacket, tftpError } from './packet.ts';
import { advance, lacksOnlyLast } from './transfer.ts';
import type { Step, Transfer, TransferEnd } from './transfer.ts';

/** How a session ended: as its transfer did, or otherwise. */
export type SessionEnd =
  | TransferEnd
  /** The client's machine says that nothing listens at its port any more, or there is no way to it. */
  | { readonly kind: 'unreachable'; readonly error: unknown }
  /** We ended it: its client asked for something else, or the server stops. */
  | { readonly kind: 'stopped'; readonly reason: string };

export interface SessionOptions {
  /** Own address, from which the client expects the answer. */
  readonly address: Ipv4;
  readonly peer: Peer;
  /** The transfer's beginning. */
  readonly first: Step;
  /** Called once, when the first block goes out: from then on it is more than a question for the size. */
  onSending(transfer: Transfer): void;
}

/** One transfer on a socket of its own. */
export interface Session {
  readonly ended: Promise<{ readonly end: SessionEnd; readonly transfer: Transfer }>;
  /** Sends the beginning again if the client has not answered it yet: it repeated its request. False if it has. */
  repeatBeginning(): boolean;
  /** Tells the client that it is over, and ends. */
  stop(reason: string): void;
  /** Ends without a word: the client would take an error for the answer to what it asked since. */
  drop(reason: string): void;
}

/** Opens a socket that hears nobody but the client (RFC 1350 section 4: others must not disturb a transfer), and begins. */
export function startSession(options: SessionOptions): Session {
  const { address, peer, first } = options;
  const ended = Promise.withResolvers<{ end: SessionEnd; transfer: Transfer }>();
  let socket: ConnectedSocket | undefined;
  let { transfer } = first;
  let sending = false;
  let over = false;

  const wait = createWait(() => {
    take(advance(transfer, { kind: 'timeout' }));
  });
  const finish = (end: SessionEnd): void => {
    if (over) return;
    over = true;
    wait.clear();
    socket?.close();
    const broken = end.kind === 'stopped' || end.kind === 'unreachable';
    ended.resolve({ end: broken && lacksOnlyLast(transfer) ? { kind: 'unconfirmed' } : end, transfer });
  };
  const take = (step: Step): void => {
    if (over) return;
    ({ transfer } = step);
    for (const datagram of step.send) socket?.send(datagram);
    if (!sending && transfer.phase === 'sending') {
      sending = true;
      options.onSending(transfer);
    }
    if (step.done) finish(step.done);
    else if (step.waitMs !== undefined) wait.start(step.waitMs);
  };
  const onDatagram = (bytes: Uint8Array): void => {
    const packet = readPacket(bytes);
    // Garbage from the client's own port changes nothing; if the client is lost, its silence will tell.
    if (packet !== undefined) take(advance(transfer, { kind: 'packet', packet }));
  };
  const onError = (error: unknown): void => {
    finish({ kind: 'unreachable', error });
  };

  connectDatagram({ address, peer, onDatagram, onError }).then((connected) => {
    socket = connected;
    if (over) connected.close();
    else take(first);
  }, onError);

  return {
    ended: ended.promise,
    repeatBeginning: () => {
      if (transfer.acknowledged > 0 || (sending && transfer.terms.granted.size > 0)) return false;
      for (const datagram of first.send) socket?.send(datagram);
      return true;
    },
    stop: (reason) => {
      socket?.send(encodePacket({ op: 'ERROR', code: tftpError.undefined, message: reason }));
      finish({ kind: 'stopped', reason });
    },
    drop: (reason) => {
      finish({ kind: 'stopped', reason });
    },
  };
}

/** One timer that is started anew for each block: refreshing it is a tenth of the work of another. */
function createWait(onTimeout: () => void): { start(milliseconds: number): void; clear(): void } {
  let timer: NodeJS.Timeout | undefined;
  let current = 0;
  return {
    start: (milliseconds) => {
      if (timer !== undefined && milliseconds === current) {
        timer.refresh();
        return;
      }
      clearTimeout(timer);
      current = milliseconds;
      timer = setTimeout(onTimeout, milliseconds);
    },
    clear: () => {
      clearTimeout(timer);
    },
  };
}

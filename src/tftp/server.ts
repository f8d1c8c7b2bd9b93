import type { Log } from '../log.ts';
import type { RecordFact } from '../model/fact.ts';
import type { Role } from '../model/role.ts';
import type { Ipv4 } from '../net/address.ts';
import { openDatagram } from '../net/datagram.ts';
import type { DatagramSocket, Peer } from '../net/datagram.ts';
import { endsWithin } from '../net/ends-within.ts';
import { refusedFact } from './facts.ts';
import { defaultTransferLimits } from './negotiate.ts';
import type { TransferLimits } from './negotiate.ts';
import { encodePacket, readPacket, tftpError } from './packet.ts';
import { createRequests } from './requests.ts';
import type { OpenFile, Refusal } from './requests.ts';

export interface TftpServerOptions {
  /** Own address; transfers leave from it too. */
  readonly address: Ipv4;
  /** 69; 0 takes a free one. */
  readonly port: number;
  readonly open: OpenFile;
  /** Who is answered at all; everybody if absent. */
  readonly admit?: (peer: Ipv4) => boolean;
  readonly record: RecordFact;
  readonly log: Log;
  readonly limits?: Partial<TftpServerLimits>;
}

export interface TftpServerLimits {
  /** Transfers at once; requests beyond are not answered. Default 512. */
  readonly transfers: number;
  /** Default 32. */
  readonly transfersPerPeer: number;
  /** How long `drain` waits for transfers, in milliseconds. Default 10,000. */
  readonly drainMs: number;
  readonly transfer: TransferLimits;
}

const defaultLimits: TftpServerLimits = {
  transfers: 512,
  transfersPerPeer: 32,
  drainMs: 10_000,
  transfer: defaultTransferLimits,
};

export interface TftpServer extends Role {
  /** Where it listens; undefined while it does not. */
  local(): Peer | undefined;
}

/**
 * A TFTP server that only sends (RFC 1350, options by RFC 2347 to 2349 and 7440). Each transfer has a socket of its own.
 * `start` throws a RackwrightError that says why the port cannot be opened (`bindError`).
 */
export function createTftpServer(options: TftpServerOptions): TftpServer {
  const { address, port, open, admit, record, log } = options;
  const limits = { ...defaultLimits, ...options.limits };
  let socket: DatagramSocket | undefined;

  const refuse = (peer: Peer, file: string, refusal: Refusal): void => {
    const fact = refusedFact(peer, file, refusal);
    record(fact);
    log.info({ event: 'tftp.refused', peer: peer.address, ...fact.data }, fact.text);
    const { code, message } = refusal;
    socket?.send(encodePacket({ op: 'ERROR', code, message }), peer).catch((error: unknown) => {
      log.debug({ event: 'tftp.unsent', peer: peer.address, err: error }, 'an error could not be sent');
    });
  };
  const requests = createRequests({ address, open, record, log, limits, refuse });

  const onDatagram = (bytes: Uint8Array, peer: Peer): void => {
    if (peer.port === 0 || admit?.(peer.address) === false) return;
    const packet = readPacket(bytes);
    if (packet?.op === 'RRQ') requests.take(packet, peer);
    else if (packet?.op === 'WRQ') {
      refuse(peer, packet.file, { code: tftpError.accessViolation, message: 'this server takes no files' });
    } else {
      // Never answered: two servers that send each other errors would not end.
      log.debug({ event: 'tftp.ignored', peer: peer.address, length: bytes.length }, 'not a TFTP request');
    }
  };
  const onError = (error: unknown): void => {
    log.error({ event: 'tftp.socket', err: error }, 'the TFTP socket failed');
  };
  const close = async (): Promise<void> => {
    const closing = socket;
    socket = undefined;
    await closing?.close();
  };

  return {
    name: 'tftp',
    local: () => socket?.local,
    start: async () => {
      socket = await openDatagram({ address, port, onDatagram, onError });
      log.info({ event: 'tftp.listening', ...socket.local }, 'tftp: listening');
    },
    drain: async () => {
      await close();
      if (await endsWithin(requests.ended(), limits.drainMs)) return;
      log.warn({ event: 'tftp.drain-limit', active: requests.count() }, 'tftp: transfers were still under way');
    },
    stop: async () => {
      await close();
      requests.stop('the server stops');
      await requests.ended();
    },
  };
}

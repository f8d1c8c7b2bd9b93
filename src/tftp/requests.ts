import { describeError } from '../errors.ts';
import type { Log } from '../log.ts';
import type { RecordFact } from '../model/fact.ts';
import type { Ipv4 } from '../net/address.ts';
import type { Peer } from '../net/datagram.ts';
import { endFact, readFact, refusedFact } from './facts.ts';
import type { TransferLimits } from './negotiate.ts';
import { toNetascii } from './netascii.ts';
import { tftpError } from './packet.ts';
import type { TftpRequest } from './packet.ts';
import { startSession } from './session.ts';
import type { Session } from './session.ts';
import { startTransfer } from './transfer.ts';

/** What stands behind a name that a client asked for. */
export type OpenedFile =
  | { readonly kind: 'file'; readonly bytes: Uint8Array }
  /** `code` is one of RFC 1350 (`tftpError`). */
  | ({ readonly kind: 'refused' } & Refusal);

export type OpenFile = (path: string, peer: Peer) => Promise<OpenedFile>;

export interface Refusal {
  readonly code: number;
  readonly message: string;
}

export interface RequestsDeps {
  readonly address: Ipv4;
  readonly open: OpenFile;
  readonly record: RecordFact;
  readonly log: Log;
  readonly limits: {
    readonly transfers: number;
    readonly transfersPerPeer: number;
    readonly transfer: TransferLimits;
  };
  /** Tells a client that its request is refused. */
  refuse(peer: Peer, file: string, refusal: Refusal): void;
}

/** The read requests that are being answered. */
export interface Requests {
  take(request: TftpRequest, peer: Peer): void;
  /** Breaks off all transfers. */
  stop(reason: string): void;
  /** Resolves when none is being answered any more. */
  ended(): Promise<unknown>;
  count(): number;
}

/** A request that is being answered; `session` as soon as the file is open. */
interface Answering {
  readonly request: TftpRequest;
  readonly address: Ipv4;
  session?: Session;
  over?: boolean;
}

/** Answers read requests, each once: clients repeat a request that was not answered fast enough. */
export function createRequests(deps: RequestsDeps): Requests {
  /** By the client's address and port, which make its transfer id. */
  const answering = new Map<string, Answering>();
  const works = new Set<Promise<void>>();

  return {
    take: (request, peer) => {
      const key = `${peer.address}:${peer.port}`;
      const before = answering.get(key);
      if (before && sameRequest(before.request, request) && before.session?.repeatBeginning() !== false) return;
      if (before) {
        before.over = true;
        before.session?.drop('the client sent another request');
      } else if (isBusy(answering, peer.address, deps.limits)) {
        // No answer: the client asks again, while an error would end its boot.
        const refusal = { code: tftpError.undefined, message: 'too many transfers at once' };
        deps.record(refusedFact(peer, request.file, refusal));
        return;
      }
      const entry: Answering = { request, address: peer.address };
      answering.set(key, entry);
      const work = answer(entry, peer, deps).finally(() => {
        if (answering.get(key) === entry) answering.delete(key);
        works.delete(work);
      });
      works.add(work);
    },
    stop: (reason) => {
      for (const entry of answering.values()) {
        entry.over = true;
        entry.session?.stop(reason);
      }
    },
    ended: () => Promise.all(works),
    count: () => works.size,
  };
}

/** Opens the file and sends it. Never rejects. */
async function answer(entry: Answering, peer: Peer, deps: RequestsDeps): Promise<void> {
  const { file, mode, options } = entry.request;
  const opened = await openFor(entry.request, peer, deps);
  if (opened.kind === 'refused') {
    deps.refuse(peer, file, opened);
    return;
  }
  if (entry.over) return;
  const content = mode.toLowerCase() === 'netascii' ? toNetascii(opened.bytes) : opened.bytes;
  const started = performance.now();
  entry.session = startSession({
    address: deps.address,
    peer,
    first: startTransfer(content, options, deps.limits.transfer),
    onSending: (transfer) => {
      deps.record(readFact(peer, file, transfer));
    },
  });
  const { end, transfer } = await entry.session.ended;
  const seconds = Math.round(performance.now() - started) / 1000;
  const fact = endFact(peer, file, { end, transfer, seconds });
  deps.record(fact);
  const level = fact.kind === 'tftp.failed' ? 'warn' : 'info';
  deps.log[level]({ event: fact.kind, peer: peer.address, ...fact.data }, fact.text);
}

async function openFor(request: TftpRequest, peer: Peer, deps: RequestsDeps): Promise<OpenedFile> {
  if (!['octet', 'netascii'].includes(request.mode.toLowerCase())) {
    return {
      kind: 'refused',
      code: tftpError.illegalOperation,
      message: 'only the modes octet and netascii are served',
    };
  }
  try {
    return await deps.open(request.file, peer);
  } catch (error) {
    deps.log.error({ event: 'tftp.open-failed', path: request.file, err: error }, describeError(error));
    return { kind: 'refused', code: tftpError.undefined, message: 'the server failed to read the file; see its log' };
  }
}

function isBusy(answering: ReadonlyMap<string, Answering>, address: Ipv4, limits: RequestsDeps['limits']): boolean {
  if (answering.size >= limits.transfers) return true;
  let ofPeer = 0;
  for (const entry of answering.values()) if (entry.address === address) ofPeer++;
  return ofPeer >= limits.transfersPerPeer;
}

function sameRequest(one: TftpRequest, other: TftpRequest): boolean {
  const text = ({ file, mode, options }: TftpRequest): string => JSON.stringify([file, mode, [...options]]);
  return text(one) === text(other);
}

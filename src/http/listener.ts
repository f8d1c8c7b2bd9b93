import { chmod, unlink } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { RequestListener, Server, ServerOptions } from 'node:http';
import { createServer as createTlsServer, Server as TlsServer } from 'node:https';
import { connect } from 'node:net';
import { once } from 'node:events';
import { RackwrightError } from '../errors.ts';
import type { Log } from '../log.ts';
import { bindError } from '../net/bind-error.ts';
import { endsWithin } from '../net/ends-within.ts';
import { createAdmission } from './admission.ts';
import { createConnections } from './connections.ts';
import type { Connections } from './connections.ts';

/** Certificate chain and key, both as PEM. */
export interface TlsFiles {
  readonly cert: string;
  readonly key: string;
}

/** Where a listener listens. Port 0 takes a free one; a socket path is made for the owner only. */
export type ListenAddress =
  | {
      readonly address: string;
      readonly port: number;
      /** HTTPS, with what this gives at each start. */
      readonly tls?: () => Promise<TlsFiles>;
    }
  | { readonly socketPath: string };

/** Guards against slow and greedy clients. All times in milliseconds. */
export interface ListenerLimits {
  /** For a whole request head. Default 10 s. */
  readonly headMs?: number;
  /** For a whole request with its body; 0: no limit (large uploads; `idleMs` still holds). Default 5 min. */
  readonly requestMs?: number;
  /** Without a byte either way. Longer than the longest long poll. Default 2 min. */
  readonly idleMs?: number;
  /** How long `drain` waits for answers under way. Default 10 s. */
  readonly drainMs?: number;
  /** Connections at once, over all addresses. Default 1024. */
  readonly connections?: number;
  /** Connections at once from one peer; a proxy is one peer. Default 256. */
  readonly connectionsPerPeer?: number;
}

export interface ListenerOptions {
  /** For messages and log: `admin`, `southbound`. */
  readonly name: string;
  readonly handler: RequestListener;
  readonly addresses: readonly ListenAddress[];
  /** Whether to talk to a peer (its plain address; '' on a unix socket); a refused one is cut before a byte is read. */
  readonly admit?: (peer: string) => boolean;
  readonly log: Log;
  readonly limits?: ListenerLimits;
}

export interface Listener {
  /** Listens on all addresses or on none. Throws a RackwrightError that says why it cannot (`bindError`). */
  start(): Promise<void>;
  /** Stops accepting and waits until what is being answered is answered, at most `drainMs`. */
  drain(): Promise<void>;
  /** Closes everything at once. */
  stop(): Promise<void>;
  /** The base URLs served, with real ports. */
  urls(): readonly string[];
}

/** An HTTP/1.1 server on one or more addresses. */
export function createListener(options: ListenerOptions): Listener {
  const { name, log, addresses } = options;
  const newConnections = (): Connections =>
    createConnections(
      createAdmission({
        name,
        log,
        ...(options.admit && { admit: options.admit }),
        connections: options.limits?.connections ?? 1024,
        connectionsPerPeer: options.limits?.connectionsPerPeer ?? 256,
      }),
    );
  let servers: Server[] = [];
  let connections = newConnections();

  // A server gives its port back at once. Whether it says that it is closed is not to be relied on: where a connection
  // went to another process too, it may do so early, or, when that process is gone, never.
  const closeAll = async (): Promise<void> => {
    for (const server of servers) server.close();
    servers = [];
    connections.cut();
    await connections.ended();
  };

  const start = async (): Promise<void> => {
    connections = newConnections();
    try {
      for (const where of addresses) {
        const tls = 'port' in where && where.tls ? await where.tls() : undefined;
        const server = makeServer(options, connections, tls);
        await listen(server, where, name);
        server.on('error', (error) => {
          log.error({ event: 'http.listener-failed', listener: name, err: error }, `${name}: a connection was lost`);
        });
        servers.push(server);
      }
    } catch (error) {
      await closeAll();
      throw error;
    }
    log.info({ event: 'http.listening', listener: name, urls: servers.map(urlOf) }, `${name}: listening`);
  };

  return {
    start,
    drain: async () => {
      for (const server of servers) server.close();
      connections.endWhenIdle();
      const ended = connections.ended();
      const limit = options.limits?.drainMs ?? 10_000;
      if (!(await endsWithin(ended, limit))) {
        log.warn(
          { event: 'http.drain-limit', listener: name, active: connections.busy() },
          `${name}: answers were still under way`,
        );
      }
    },
    stop: closeAll,
    urls: () => servers.map(urlOf),
  };
}

function makeServer(
  { handler, limits = {} }: ListenerOptions,
  connections: Connections,
  tls: TlsFiles | undefined,
): Server {
  const settings: ServerOptions = {
    headersTimeout: limits.headMs ?? 10_000,
    requestTimeout: limits.requestMs ?? 300_000,
    connectionsCheckingInterval: Math.min(limits.headMs ?? 10_000, 5_000),
    keepAliveTimeout: 15_000,
    maxHeaderSize: 16 * 1024,
  };
  const answer: RequestListener = (request, response) => {
    connections.answering(response);
    handler(request, response);
  };
  const server: Server =
    tls === undefined
      ? createServer(settings, answer)
      : createTlsServer({ ...settings, ...tls, handshakeTimeout: limits.headMs ?? 10_000 }, answer);
  server.prependListener('connection', (socket) => {
    connections.accept(socket);
  });
  server.setTimeout(limits.idleMs ?? 120_000);
  return server;
}

async function listen(server: Server, where: ListenAddress, name: string): Promise<void> {
  if ('socketPath' in where) {
    await removeStaleSocket(where.socketPath, name);
    server.listen(where.socketPath);
  } else {
    server.listen({ host: where.address, port: where.port });
  }
  try {
    await once(server, 'listening');
  } catch (cause) {
    if ('port' in where) throw await bindError('tcp', where, cause);
    throw new RackwrightError('socket', `${name}: the unix socket ${where.socketPath} cannot be opened`, { cause });
  }
  if ('socketPath' in where) await chmod(where.socketPath, 0o600);
}

/** A socket file whose server was killed would keep the next one from starting. */
async function removeStaleSocket(path: string, name: string): Promise<void> {
  const probe = connect(path);
  const code = await new Promise<string | undefined>((resolve) => {
    probe.once('connect', () => {
      resolve(undefined);
    });
    probe.once('error', (error: NodeJS.ErrnoException) => {
      resolve(error.code);
    });
  });
  probe.destroy();
  if (code === undefined) {
    throw new RackwrightError(
      'port-in-use',
      `${name}: another program answers on the unix socket ${path}. Stop it first.`,
    );
  }
  if (code === 'ECONNREFUSED') await unlink(path);
}

function urlOf(server: Server): string {
  const address = server.address();
  if (address === null) return '';
  if (typeof address === 'string') return `unix:${address}`;
  const scheme = server instanceof TlsServer ? 'https' : 'http';
  return `${scheme}://${address.family === 'IPv6' ? `[${address.address}]` : address.address}:${address.port}`;
}

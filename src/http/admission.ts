import type { Log } from '../log.ts';

/** Peers remembered as refused; beyond, refusals are silent. */
const maxLogged = 10_000;

export interface AdmissionOptions {
  readonly name: string;
  readonly log: Log;
  readonly admit?: (peer: string) => boolean;
  readonly connections: number;
  readonly connectionsPerPeer: number;
}

/** Who may have a connection now. */
export interface Admission {
  /** Undefined if the peer is refused; else to be called once when the connection is closed. */
  enter(peer: string): (() => void) | undefined;
}

/** Counts connections in all and by peer. A refusal is logged once, until that peer was let in again. */
export function createAdmission(options: AdmissionOptions): Admission {
  const byPeer = new Map<string, number>();
  const logged = new Set<string>();
  let all = 0;

  const refusal = (peer: string): string | undefined => {
    if (options.admit?.(peer) === false) return 'this listener is not for that address';
    if (all >= options.connections) return 'too many connections';
    if ((byPeer.get(peer) ?? 0) >= options.connectionsPerPeer) return 'too many connections from that address';
    return undefined;
  };

  return {
    enter: (peer) => {
      const reason = refusal(peer);
      if (reason !== undefined) {
        if (!logged.has(peer) && logged.size < maxLogged) {
          logged.add(peer);
          options.log.warn({ event: 'http.refused', listener: options.name, peer, reason }, 'connection refused');
        }
        return undefined;
      }
      logged.delete(peer);
      all++;
      byPeer.set(peer, (byPeer.get(peer) ?? 0) + 1);
      return () => {
        all--;
        const left = (byPeer.get(peer) ?? 1) - 1;
        if (left > 0) byPeer.set(peer, left);
        else byPeer.delete(peer);
      };
    },
  };
}

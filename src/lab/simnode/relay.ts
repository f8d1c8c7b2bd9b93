import { openDatagram, type Peer } from '../../net/datagram.ts';
import { RackwrightError } from '../../errors.ts';
import type { Ipv4 } from '../../net/address.ts';
import { formatQuestion, parseReply, type DhcpQuestion, type DhcpReply } from './dhcp-client.ts';

/**
 * A DHCP relay (RFC 2131 section 4.1, giaddr) that carries every simulated node's messages over one socket: the one way
 * to speak DHCP over loopback, where there are no broadcasts.
 */
export interface Relay {
  /** Sends and resends a message until a reply to its xid comes; undefined when none came in `timeoutMs`. */
  ask(question: Omit<DhcpQuestion, 'relay'>, timeoutMs: number): Promise<DhcpReply | undefined>;
  close(): Promise<void>;
}

/** First wait before a message is sent again, doubled each time (RFC 2131 section 4.1 says 4 s; labs are faster). */
const firstResendMs = 1000;

/** Opens a relay at `address`, which stands for the subnet it is in. */
export async function openRelay(options: { address: Ipv4; server: Peer }): Promise<Relay> {
  const { address, server } = options;
  const waiting = new Map<number, (reply: DhcpReply) => void>();
  const socket = await openDatagram({
    address,
    port: server.port,
    shared: true,
    onDatagram(bytes) {
      const reply = parseReply(bytes);
      if (reply) waiting.get(reply.xid)?.(reply);
    },
    onError(error) {
      throw new RackwrightError('simulation', 'the relay of the simulated nodes failed', { cause: error });
    },
  });

  return {
    close: () => socket.close(),
    ask: (question, timeoutMs) =>
      new Promise((resolve) => {
        const bytes = formatQuestion({ ...question, relay: address });
        let resend: NodeJS.Timeout;
        const transmit = (waitMs: number): void => {
          socket.send(bytes, server).catch(() => undefined);
          resend = setTimeout(() => {
            transmit(waitMs * 2);
          }, waitMs);
        };
        const settle = (reply: DhcpReply | undefined): void => {
          clearTimeout(resend);
          clearTimeout(giveUp);
          waiting.delete(question.xid);
          resolve(reply);
        };
        const giveUp = setTimeout(() => {
          settle(undefined);
        }, timeoutMs);
        waiting.set(question.xid, settle);
        transmit(firstResendMs);
      }),
  };
}

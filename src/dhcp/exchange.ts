import type { AskBoot, BootAnswer } from '../boot/client.ts';
import { describeError } from '../errors.ts';
import type { Log } from '../log.ts';
import type { RecordFact } from '../model/fact.ts';
import type { Ipv4 } from '../net/address.ts';
import type { Client } from './client.ts';
import { answerFact, requestFact } from './facts.ts';
import type { Leases } from './leases.ts';
import { answer, claimModes, plan, selectSubnet, wantsBoot, type Gathered, type Plan } from './machine.ts';
import { encodePacket, replyLimit, type DhcpPacket } from './packet.ts';
import type { Arrival, DhcpPorts, Endpoint, Situation } from './situation.ts';
import type { DhcpSubnet } from './subnet.ts';

export interface ExchangeDeps {
  readonly subnets: () => readonly DhcpSubnet[];
  readonly serverAddress: Ipv4;
  readonly ports: DhcpPorts;
  readonly leases: Leases;
  readonly bootAnswer: AskBoot;
  readonly record: RecordFact;
  readonly log: Log;
  /** Sends through the service on which the request came. */
  send(service: Arrival['service'], bytes: Uint8Array, to: Endpoint): Promise<void>;
}

/** Serves one message from a client to its end: gather, decide, act, and a fact of each. */
export async function serveMessage(
  deps: ExchangeDeps,
  request: DhcpPacket,
  client: Client | undefined,
  arrival: Arrival,
): Promise<void> {
  const { serverAddress, ports, record } = deps;
  const subnet = selectSubnet(request, arrival, { subnets: deps.subnets(), serverAddress });
  const situation: Situation = { arrival, serverAddress, ports, subnet, client };
  const decided = plan(request, situation);
  const asked = requestFact(request, situation, decided);
  if (asked !== undefined) record(asked);
  const gathered = await gather(deps, situation, decided);
  const result = answer(request, situation, decided, gathered);
  const problem =
    result.kind === 'reply' ? await sendReply(deps, request, { ...result.reply, service: arrival.service }) : undefined;
  const bootReason = gathered.boot?.kind === 'none' ? gathered.boot.reason : undefined;
  const done = answerFact(situation, decided, {
    answer: result,
    ...(bootReason !== undefined && { bootReason }),
    ...(problem !== undefined && { problem }),
  });
  if (done !== undefined) record(done);
}

/** Everything the answer needs; with a REQUEST the address is claimed here, before the ACK is made. */
async function gather(deps: ExchangeDeps, situation: Situation, decided: Plan): Promise<Gathered> {
  const { leases } = deps;
  const { client, subnet } = situation;
  if (client === undefined || subnet === undefined) return {};
  const boot = wantsBoot(decided, situation) ? await askBoot(deps, client) : undefined;
  const withBoot = boot === undefined ? {} : { boot };
  switch (decided.kind) {
    case 'offer':
      return { ...withBoot, offered: await leases.propose(subnet, client.mac, decided.requested) };
    case 'claim':
      return { ...withBoot, claimed: await leases.claim(subnet, client, decided.address, claimModes[decided.state]) };
    case 'release':
      await leases.release(subnet, client.mac, decided.address);
      return {};
    case 'decline':
      await leases.decline(subnet, client.mac, decided.address);
      return {};
    case 'other-server':
      leases.forget(subnet, client.mac);
      return {};
    default:
      return withBoot;
  }
}

/** A fault in the boot decision costs the boot file, not the address. */
async function askBoot({ bootAnswer, serverAddress, log }: ExchangeDeps, client: Client): Promise<BootAnswer> {
  try {
    return await bootAnswer({ ...client, serverAddress });
  } catch (error) {
    log.error({ event: 'dhcp.boot-failed', mac: client.mac, error: describeError(error) }, 'no boot decision');
    return { kind: 'none', reason: `the boot decision failed: ${describeError(error)}` };
  }
}

/** Answers with what was wrong with the sending, if anything. */
async function sendReply(
  deps: ExchangeDeps,
  request: DhcpPacket,
  reply: { readonly packet: DhcpPacket; readonly to: Endpoint; readonly service: Arrival['service'] },
): Promise<string | undefined> {
  const { bytes, omitted } = encodePacket(reply.packet, replyLimit(request));
  try {
    await deps.send(reply.service, bytes, reply.to);
  } catch (error) {
    return `it could not be sent to ${reply.to.address}: ${describeError(error)}`;
  }
  return omitted.length === 0 ? undefined : `options ${omitted.join(', ')} found no room in it`;
}

import options from 'dhcp/lib/options.js';
import protocol from 'dhcp/lib/protocol.js';
import type { BootAnswer } from '../../src/boot/client.ts';
import { identifyClient } from '../../src/dhcp/client.ts';
import { answer, plan, selectSubnet } from '../../src/dhcp/machine.ts';
import { decodePacket, encodePacket, messageType, replyLimit } from '../../src/dhcp/packet.ts';
import type { Lease } from '../../src/model/records.ts';
import { parseNetwork } from '../../src/net/address.ts';
import { captures, dhcpOf } from '../dhcp/captures.ts';
import { makeSubnet } from '../dhcp/subnets.ts';

/** The package `dhcp` as a reader that is not ours: our replies to every request in the captures mean to it what we meant. */
options.addOption(97, { name: 'client machine identifier', type: 'UInt8s', attr: 'clientMachineId' });

const serverAddress = '172.31.128.1';
const address = '172.31.128.40';
const subnet = makeSubnet({
  network: parseNetwork('172.31.128.0/24'),
  pools: [{ from: '172.31.128.10', to: '172.31.128.250' }],
  router: serverAddress,
  dns: ['9.9.9.9', '1.1.1.1'],
});
const boot: BootAnswer = { kind: 'file', file: 'undionly.kpxe', nextServer: serverAddress };
const arrival = { from: { address: '0.0.0.0', port: 68 }, unicast: false, service: 'dhcp' } as const;

/** Our reply to a captured request, as bytes; undefined where it is for another server. */
function reply(payload: Uint8Array) {
  const request = decodePacket(payload);
  const situation = {
    arrival,
    serverAddress,
    ports: { server: 67, client: 68, proxy: 4011 },
    subnet: selectSubnet(request, arrival, { subnets: [subnet], serverAddress }),
    client: identifyClient(request),
  };
  const result = answer(request, situation, plan(request, situation), {
    offered: { ok: true, address },
    claimed: { ok: true, lease: {} as Lease },
    boot,
  });
  if (result.kind === 'ignore') return undefined;
  return { request, bytes: encodePacket(result.reply.packet, replyLimit(request)).bytes };
}

test.each(captures)('the package reads our replies to the clients of %s', (capture) => {
  const replies = dhcpOf(capture)
    .filter(({ toPort, fromPort }) => toPort === 67 && fromPort === 68)
    .flatMap(({ payload }) => reply(payload) ?? []);
  expect(replies.length).toBeGreaterThan(0);
  for (const { request, bytes } of replies) {
    const message = protocol.parse(Buffer.from(bytes));
    expect(message).toMatchObject({ op: 2, xid: request.xid, siaddr: serverAddress });
    expect(message.chaddr.toLowerCase().replaceAll('-', '')).toBe(Buffer.from(request.chaddr).toString('hex'));
    expect(message.file.replaceAll('\0', '')).toBe('undionly.kpxe');
    const offered = messageType(request) === 'DISCOVER';
    if (offered) expect(message.yiaddr).toBe(address);
    expect(message.options).toMatchObject({
      1: '255.255.255.0',
      3: [serverAddress],
      51: 3600,
      53: offered ? 2 : 5,
      54: serverAddress,
      58: 1800,
      59: 3150,
      66: serverAddress,
      67: 'undionly.kpxe',
      97: [...(request.options.get(97) ?? [])],
    });
  }
});

/**
 * A PXE ROM's first steps, for tests in a network namespace that already has an address. Arguments: own MAC, the address
 * of a boot server to ask on port 4011 after that (or none). Prints each reply as a line of JSON.
 */
import { describeOptions } from '../../../src/dhcp/options.ts';
import { decodePacket, encodePacket, type DhcpPacket } from '../../../src/dhcp/packet.ts';
import { openDatagram } from '../../../src/net/datagram.ts';
import { makeMessage, pxeOptions } from '../../dhcp/messages.ts';

const [mac = '', bootServer, ownAddress = '0.0.0.0'] = process.argv.slice(2);
const options = { ...pxeOptions(0), 55: [1, 3, 43, 60, 66, 67] };
/** dnsmasq looks for 3 s whether its address is free before it offers it. */
const patience = 4_000;

const socket = await openDatagram({
  address: '0.0.0.0',
  port: 68,
  broadcast: true,
  onDatagram: (bytes, from) => {
    const reply = decodePacket(bytes);
    const { yiaddr, siaddr, file } = reply;
    const line = {
      from: `${from.address}:${from.port}`,
      yiaddr,
      siaddr,
      file,
      options: describeOptions(reply.options),
    };
    process.stdout.write(`${JSON.stringify(line)}\n`);
  },
  onError: (error) => {
    throw error;
  },
});

async function say(packet: DhcpPacket, address: string, port: number) {
  await socket.send(encodePacket(packet).bytes, { address, port });
  await new Promise((resolve) => setTimeout(resolve, patience));
}

await say(makeMessage('DISCOVER', { mac, flags: 0x8000, options }), '255.255.255.255', 67);
if (bootServer !== undefined) {
  await say(makeMessage('REQUEST', { mac, xid: 0, ciaddr: ownAddress, options }), bootServer, 4011);
}
await socket.close();

/**
 * The DHCP codec beside that of the package `dhcp`, and whole exchanges (DISCOVER to ACK, leases on the disk) beside
 * dnsmasq. Needs root.
 */
import protocol from 'dhcp/lib/protocol.js';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { decodePacket, encodePacket } from '../../src/dhcp/packet.ts';
import { parseNetwork } from '../../src/net/address.ts';
import { makeMessage } from '../dhcp/messages.ts';
import { makeSubnet } from '../dhcp/subnets.ts';
import type { ServerSettings } from '../peers/programs/dhcp-server.ts';
import { createTestNet, requireProgram, type TestNet } from '../support/netns.ts';
import type { DhcpLoad } from './programs/dhcp-load.ts';
import { inTurns, report } from './report.ts';

const clients = 2_000;
const atOnce = 32;
const serverAddress = '10.78.0.1';
const relay = '10.78.0.2';
const pool = { from: '10.78.16.1', to: '10.78.255.250' };

function rate(operation: () => unknown): number {
  const begin = performance.now();
  let count = 0;
  while (performance.now() - begin < 300) {
    for (let index = 0; index < 100; index += 1) operation();
    count += 100;
  }
  return (count * 1000) / (performance.now() - begin);
}

/** A message without options that the package would complain of on the console. */
async function benchDecoding(): Promise<void> {
  const { bytes } = encodePacket(
    makeMessage('DISCOVER', { options: { 55: [1, 3, 6, 15], 57: [5, 192], 12: [65, 66] } }),
  );
  const buffer = Buffer.from(bytes);
  const measured = await inTurns({
    ours: () => Promise.resolve(rate(() => decodePacket(bytes))),
    peer: () => Promise.resolve(rate(() => protocol.parse(buffer))),
  });
  report({ name: 'dhcp-decode-vs-package', ...measured, unit: '1/s' });
}

const program = (name: string) => fileURLToPath(new URL(name, import.meta.url));

async function startOurs(net: TestNet<'server' | 'relay'>, folder: string): Promise<void> {
  const subnet = makeSubnet({ network: parseNetwork('10.78.0.0/16'), pools: [pool], boot: false });
  const settings: ServerSettings = {
    ...{ serverAddress, subnets: [subnet], allowOtherServers: true, quiet: true },
    storePath: join(folder, 'store.db'),
  };
  const path = program('../peers/programs/dhcp-server.ts');
  await net.hosts.server.start([process.execPath, path, JSON.stringify(settings)]).until(/^ready$/m);
}

async function startDnsmasq(net: TestNet<'server' | 'relay'>, folder: string): Promise<void> {
  const dnsmasq = net.hosts.server.start([
    ...['dnsmasq', '--no-daemon', '--conf-file=/dev/null', '--port=0', '--user=root', '--pid-file=', '--no-ping'],
    ...[`--dhcp-range=${pool.from},${pool.to},255.255.0.0,3600`, '--dhcp-lease-max=100000', '--quiet-dhcp'],
    ...[`--dhcp-leasefile=${join(folder, 'leases')}`, '--dhcp-authoritative'],
  ]);
  await dnsmasq.until(/IP range/);
}

async function load(net: TestNet<'server' | 'relay'>, series: number): Promise<number> {
  const numbers = [clients, atOnce, series].map(String);
  const command = [process.execPath, program('programs/dhcp-load.ts'), serverAddress, relay, ...numbers];
  const { code, stdout, stderr } = await net.hosts.relay.run(command, { timeoutMs: 120_000 });
  if (code !== 0) throw new Error(stderr);
  return (JSON.parse(stdout) as DhcpLoad).perSecond;
}

async function benchExchanges(): Promise<void> {
  requireProgram('dnsmasq', 'dnsmasq-base');
  const folder = mkdtempSync(join(tmpdir(), 'rackwright-bench-dhcp-'));
  const net = await createTestNet({ server: `${serverAddress}/16`, relay: `${relay}/16` });
  try {
    const measure = async (start: typeof startOurs, round: number): Promise<number> => {
      await start(net, folder);
      const exchanges = await load(net, round);
      await net.endPrograms();
      return exchanges;
    };
    const measured = await inTurns({
      ours: (round) => measure(startOurs, round),
      peer: (round) => measure(startDnsmasq, round),
    });
    report({ name: 'dhcp-exchanges-vs-dnsmasq', ...measured, unit: '1/s' });
  } finally {
    await net.close();
    rmSync(folder, { recursive: true });
  }
}

await benchDecoding();
await benchExchanges();

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { DhcpSubnet } from '../../src/dhcp/subnet.ts';
import type { NewFact } from '../../src/model/fact.ts';
import { parseNetwork } from '../../src/net/address.ts';
import { createTestNet, requireProgram, type Host, type Started, type TestNet } from '../support/netns.ts';
import type { ServerSettings } from './programs/dhcp-server.ts';

const serverAddress = '10.77.0.1';
const otherAddress = '10.77.0.3';
const subnet: DhcpSubnet = {
  network: parseNetwork('10.77.0.0/24'),
  addresses: true,
  boot: true,
  pools: [{ from: '10.77.0.10', to: '10.77.0.99' }],
  dns: ['10.77.0.53'],
  domain: 'lab.example',
  leaseSeconds: 600,
};

let net: TestNet<'server' | 'other' | 'one' | 'two' | 'three'>;
let folder: string;

const program = (name: string) => fileURLToPath(new URL(`programs/${name}`, import.meta.url));

async function startServer(parts: Partial<ServerSettings> = {}): Promise<Started> {
  const settings: ServerSettings = { serverAddress, subnets: [subnet], allowOtherServers: true, ...parts };
  const server = net.hosts.server.start([process.execPath, program('dhcp-server.ts'), JSON.stringify(settings)]);
  await server.until(/^ready$/m);
  return server;
}

/** Another DHCP server, which gives the addresses from .200 on. */
async function startDnsmasq(): Promise<string> {
  const dnsmasq = net.hosts.other.start([
    ...['dnsmasq', '--no-daemon', '--conf-file=/dev/null', '--port=0', '--log-dhcp', '--user=root'],
    ...['--interface=eth0', '--bind-interfaces', '--dhcp-range=10.77.0.200,10.77.0.220,255.255.255.0,600'],
    ...['--dhcp-leasefile=/dev/null', '--pid-file='],
  ]);
  return dnsmasq.until(/IP range 10\.77\.0\.200/);
}

const factsOf = (server: Started) =>
  server
    .output()
    .split('\n')
    .filter((line) => line.includes('"kind":"dhcp.'))
    .map((line) => JSON.parse(line) as NewFact);
const messages = (server: Started, mac: string) =>
  factsOf(server)
    .filter((fact) => fact.mac === mac)
    .map(({ kind }) => kind);

const udhcpc = (host: Host, ...args: string[]) =>
  host.start(['udhcpc', '-f', '-i', 'eth0', '-s', join(folder, 'udhcpc.sh'), ...args]);
const bound = /BOUND (10\.77\.0\.\d+)/;
const addressOf = async (client: Started) => bound.exec(await client.until(bound))?.[1] ?? '';

function dhclient(host: Host, ...args: string[]) {
  const own = (name: string) => join(folder, `${host.namespace}.${name}`);
  return [
    'dhclient',
    '-4',
    '-v',
    '-lf',
    own('leases'),
    '-pf',
    own('pid'),
    '-sf',
    join(folder, 'dhclient.sh'),
    ...args,
    'eth0',
  ];
}

beforeAll(async () => {
  requireProgram('udhcpc', 'udhcpc');
  requireProgram('dhclient', 'isc-dhcp-client');
  requireProgram('dnsmasq', 'dnsmasq-base');
  folder = mkdtempSync(join(tmpdir(), 'rackwright-dhcp-'));
  const configure = 'ip address flush dev eth0; ip address add "$1" brd + dev eth0; echo "BOUND ${1%/*}"';
  const script = (body: string) => `#!/bin/sh\nexport PATH="$PATH:/sbin:/usr/sbin"\nuse() { ${configure}; }\n${body}\n`;
  const options = { mode: 0o755 };
  const bootp = 'echo "BOOT $siaddr $boot_file DNS $dns DOMAIN $domain LEASE $lease"';
  writeFileSync(
    join(folder, 'udhcpc.sh'),
    script(`case "$1" in bound|renew) use "$ip/$mask"; ${bootp};; deconfig) ip address flush dev eth0;; esac`),
    options,
  );
  writeFileSync(
    join(folder, 'dhclient.sh'),
    script('case "$reason" in BOUND|RENEW|REBIND|REBOOT) use "$new_ip_address/24";; esac'),
    options,
  );
  net = await createTestNet({
    server: `${serverAddress}/24`,
    other: `${otherAddress}/24`,
    one: undefined,
    two: undefined,
    three: undefined,
  });
}, 60_000);

afterEach(async () => {
  await net.endPrograms();
  for (const host of [net.hosts.one, net.hosts.two, net.hosts.three]) {
    await host.run(['ip', 'address', 'flush', 'dev', 'eth0']);
  }
});

afterAll(async () => {
  await net.close();
  rmSync(folder, { recursive: true, force: true });
});

describe('udhcpc', () => {
  test('gets an address with its options, renews it and gives it back', async () => {
    const { one } = net.hosts;
    const server = await startServer();
    const client = udhcpc(one, '-O', 'dns', '-O', 'domain');
    const address = await addressOf(client);
    expect(await client.until(/BOOT/)).toContain('DNS 10.77.0.53 DOMAIN lab.example LEASE 600');

    client.process.kill('SIGUSR1');
    await server.until(/asked to have [^"]*renewing[^]*dhcp\.ack/);
    client.process.kill('SIGUSR2');
    await server.until(/dhcp\.release/);
    expect(messages(server, one.mac)).toEqual([
      ...['dhcp.discover', 'dhcp.offer', 'dhcp.request', 'dhcp.ack'],
      ...['dhcp.request', 'dhcp.ack', 'dhcp.release'],
    ]);
    expect(factsOf(server).at(-1)).toMatchObject({ address });
  }, 60_000);

  test('gets the address that it asks for, if that is free', async () => {
    const { one } = net.hosts;
    await startServer();
    expect(await addressOf(udhcpc(one, '-r', '10.77.0.42'))).toBe('10.77.0.42');
  }, 60_000);
});

describe('dhclient', () => {
  test('gets an address, keeps it when it starts again, and gives it back', async () => {
    const { two } = net.hosts;
    const server = await startServer();
    const first = await two.run(dhclient(two, '-1'));
    const address = bound.exec(first.stdout)?.[1];
    expect({ address, ...first }).toMatchObject({ address: expect.stringMatching(/^10\.77/) as string, code: 0 });
    await two.run(dhclient(two, '-x'));
    const second = await two.run(dhclient(two, '-1'));
    expect(second.stdout).toContain(`BOUND ${address}`);
    expect(factsOf(server)).toContainEqual(
      expect.objectContaining({
        kind: 'dhcp.request',
        text: `an operating system asked to have ${address} (init-reboot)`,
      }),
    );
    await two.run(dhclient(two, '-r'));
    await server.until(/dhcp\.release/);
  }, 60_000);

  test('whose old address is of another network is refused and gets a new one', async () => {
    const { three } = net.hosts;
    const server = await startServer();
    const lease =
      'lease { interface "eth0"; fixed-address 192.168.5.5; option subnet-mask 255.255.255.0; expire never; }\n';
    writeFileSync(join(folder, `${three.namespace}.leases`), lease);
    const result = await three.run(dhclient(three, '-1'));
    expect(result.stdout).toMatch(bound);
    expect(messages(server, three.mac).slice(0, 4)).toEqual([
      'dhcp.request',
      'dhcp.nak',
      'dhcp.discover',
      'dhcp.offer',
    ]);
    await three.run(dhclient(three, '-x'));
  }, 60_000);
});

test('clients that ask at the same moment get different addresses', async () => {
  const { one, two, three } = net.hosts;
  await startServer();
  const clients = [one, two, three].map((host) => udhcpc(host));
  const addresses = await Promise.all(clients.map(addressOf));
  expect(new Set(addresses).size).toBe(3);
}, 60_000);

describe('beside another DHCP server (dnsmasq)', () => {
  test('gives no addresses, says so, and notices whom the clients take', async () => {
    const { one } = net.hosts;
    await startDnsmasq();
    const server = await startServer({ allowOtherServers: false });
    expect(factsOf(server)).toMatchObject([
      { kind: 'dhcp.rogue', address: otherAddress, data: { server: otherAddress } },
    ]);
    expect(await addressOf(udhcpc(one))).toMatch(/^10\.77\.0\.2[012]\d$/);
    await server.until(/dhcp\.other-server/);
    const expected = ['dhcp.discover', 'dhcp.ignored', 'dhcp.request', 'dhcp.other-server'];
    expect(new Set(messages(server, one.mac))).toEqual(new Set(expected));
  }, 60_000);

  test('with nobody else about, it looks and then gives addresses', async () => {
    const server = await startServer({ allowOtherServers: false });
    expect(factsOf(server)).toEqual([]);
    expect(await addressOf(udhcpc(net.hosts.one))).toMatch(/^10\.77\.0\.\d\d$/);
  }, 60_000);

  test('as proxyDHCP it names the boot file, and leaves the address to the other', async () => {
    const { one } = net.hosts;
    await one.run(['ip', 'address', 'add', '10.77.0.150/24', 'brd', '+', 'dev', 'eth0']);
    await one.run(['ip', 'route', 'add', 'default', 'dev', 'eth0']);
    await startDnsmasq();
    const server = await startServer({
      subnets: [{ ...subnet, addresses: false, pools: [] }],
      allowOtherServers: false,
    });
    const client = await one.run([process.execPath, program('pxe-client.ts'), one.mac, serverAddress, '10.77.0.150']);
    const replies = client.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { from: string });
    const byServer = (from: string) => replies.filter((reply) => reply.from === from);
    expect(byServer(`${otherAddress}:67`)).toMatchObject([
      { yiaddr: expect.stringMatching(/^10\.77\.0\.2/) as string },
    ]);
    const boot = { siaddr: serverAddress, file: 'undionly.kpxe' };
    expect(byServer(`${serverAddress}:67`)).toMatchObject([
      { ...boot, yiaddr: '0.0.0.0', options: { '53 message-type': 'OFFER', '60 vendor-class': "'PXEClient'" } },
    ]);
    expect(byServer(`${serverAddress}:4011`)).toMatchObject([
      { ...boot, yiaddr: '10.77.0.150', options: { '53 message-type': 'ACK' } },
    ]);
    expect(messages(server, one.mac)).toEqual(['dhcp.discover', 'dhcp.offer', 'dhcp.request', 'dhcp.ack']);
  }, 60_000);
});

test('port 67 in use: the error names the program that has it', async () => {
  const dnsmasq = net.hosts.server.start([
    ...['dnsmasq', '--no-daemon', '--conf-file=/dev/null', '--port=0', '--user=root', '--pid-file='],
    ...['--dhcp-range=10.77.0.200,10.77.0.220,255.255.255.0,600', '--dhcp-leasefile=/dev/null'],
  ]);
  await dnsmasq.until(/IP range 10\.77\.0\.200/);
  await expect(startServer()).rejects.toThrow(
    `UDP port 67 on ${serverAddress} is in use by dnsmasq (process ${dnsmasq.process.pid})`,
  );
}, 60_000);

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { stringify } from 'yaml';
import { createTestNet, requireProgram, type TestNet } from '../support/netns.ts';

/** A whole server on a network where another DHCP server (dnsmasq) answers already. */

const home = resolve(import.meta.dirname, '../..');
const rackwright = [process.execPath, join(home, 'src/main.ts')];

let net: TestNet<'server' | 'other' | 'machine'>;
let directory: string;
beforeAll(async () => {
  requireProgram('dnsmasq', 'dnsmasq-base');
  directory = mkdtempSync(join(tmpdir(), 'rw-second-'));
  net = await createTestNet({ server: '10.78.0.1/24', other: '10.78.0.3/24', machine: '10.78.0.150/24' });
}, 60_000);
afterAll(async () => {
  await net.close();
  rmSync(directory, { recursive: true, force: true });
});

test('it starts, gives nothing, and says to the log and to `why` which server it is', async () => {
  const { server, other, machine } = net.hosts;
  const dnsmasq = other.start([
    ...['dnsmasq', '--no-daemon', '--conf-file=/dev/null', '--port=0', '--user=root', '--pid-file='],
    ...['--interface=eth0', '--bind-interfaces', '--dhcp-range=10.78.0.200,10.78.0.220,255.255.255.0,600'],
    '--dhcp-leasefile=/dev/null',
  ]);
  await dnsmasq.until(/IP range 10\.78\.0\.200/);
  const config = join(directory, 'rackwright.yaml');
  const subnet = { cidr: '10.78.0.0/24', addresses: true, boot: true, pools: ['10.78.0.10-10.78.0.99'] };
  const southbound = { interface: 'eth0', subnets: [subnet] };
  writeFileSync(config, stringify({ dataDir: join(directory, 'data'), southbound }));
  const running = server.start([...rackwright, 'serve', '--config', config]);
  const log = await running.until(/"server\.started"/, 40_000);
  expect(log).toMatch(/another DHCP server, 10\.78\.0\.3, answers on this network/);

  const client = [process.execPath, join(home, 'test/peers/programs/pxe-client.ts'), machine.mac];
  await machine.run(['ip', 'route', 'add', 'default', 'dev', 'eth0']);
  const heard = await machine.run(client);
  expect(heard.stdout).toContain('10.78.0.3:67');
  expect(heard.stdout).not.toContain('10.78.0.1:67');
  const { stdout } = await server.run([...rackwright, 'why', machine.mac]);
  expect(stdout).toMatch(/^=> It asked, and this server did not answer/m);
  expect(stdout).toContain('10.78.0.3');
  await running.stop();
}, 110_000);

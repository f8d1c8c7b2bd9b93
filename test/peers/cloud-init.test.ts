import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { hostname, networkInterfaces, release, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { jest } from '@jest/globals';
import { seedOf, type Seed, type SeedInput } from '../../src/deployment/seed.ts';
import { parseSystem } from '../../src/deployment/system.ts';
import { startTestServer, type TestServer } from '../support/http.ts';

jest.setTimeout(60_000);
const consume = resolve('test/peers/programs/consume-seed.py');
/** Debian's, for which cloud-init is installed; another may come first in PATH. */
const python = '/usr/bin/python3';

interface Taken {
  readonly instanceId: string;
  readonly hostname: string;
  readonly network: unknown;
  readonly config: Readonly<Record<string, unknown>>;
  readonly scripts: Readonly<Record<string, string>>;
  readonly vendorScripts: Readonly<Record<string, string>>;
}

const input: SeedInput = {
  deploymentId: '6f0000000000000000000001',
  hostname: 'web1',
  users: [{ name: 'ops', authorizedKeys: ['ssh-ed25519 AAAA ops'] }],
  mac: '52:54:00:77:01:00',
  url: 'http://172.31.128.1:9080/deploy/TOKEN',
  phoneHome: '',
  fetched: false,
};

/** What Debian's cloud-init makes of our seeds, by its own code. */
describe('cloud-init', () => {
  let dir: string;
  let phoneHome: string;

  beforeAll(async () => {
    if (!existsSync('/usr/bin/cloud-init')) throw new Error('no cloud-init: make setup');
    phoneHome = await readFile('src/deployment/phone-home.sh', 'utf8');
  });
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'rwt-cloud-init-'));
  });
  afterEach(() => {
    rmSync(dir, { recursive: true, force: true });
  });

  const take = (changes: Partial<SeedInput> = {}): Taken => {
    const folder = join(dir, 'seed');
    mkdirSync(folder, { recursive: true });
    for (const [name, document] of Object.entries(seedOf({ ...input, phoneHome, ...changes })))
      writeFileSync(join(folder, name), document);
    const { status, stdout, stderr } = spawnSync(python, [consume, join(dir, 'state'), `${folder}/`], {
      encoding: 'utf8',
    });
    expect({ status, stderr: status === 0 ? '' : stderr }).toEqual({ status: 0, stderr: '' });
    return JSON.parse(stdout) as Taken;
  };

  test('knows the machine, its users and whom to call', () => {
    const { instanceId, hostname, config, scripts, vendorScripts } = take();
    expect({ instanceId, hostname }).toEqual({ instanceId: input.deploymentId, hostname: 'web1' });
    expect(config).toMatchObject({
      hostname: 'web1',
      ssh_pwauth: false,
      users: [{ name: 'ops', ssh_authorized_keys: ['ssh-ed25519 AAAA ops'] }],
    });
    expect(scripts).toEqual({});
    expect(Object.values(vendorScripts)).toEqual([phoneHome.replace('@URL@', `${input.url}/phone-home`)]);
  });

  test("takes the operator's user data and ours: nothing of either is lost", () => {
    const userData = `#cloud-config
hostname: theirs
packages: [vim]
users:
  - default
  - name: alice
    ssh_authorized_keys: [ssh-ed25519 BBBB alice]
runcmd: [[touch, /x]]
write_files:
  - path: /etc/motd
    content: "--==rackwright==\\n"
`;
    expect(take({ userData }).config).toMatchObject({
      hostname: 'theirs',
      packages: ['vim'],
      users: ['default', { name: 'alice' }, { name: 'ops' }],
      runcmd: [['touch', '/x']],
      write_files: [{ path: '/etc/motd', content: '--==rackwright==\n' }],
    });
  });

  test('has no say over ours by how theirs is to be merged', () => {
    const userData = '#cloud-config\nmerge_how: "dict(replace)+list(replace)"\nusers: [{ name: alice }]\n';
    expect(take({ userData }).config.users).toEqual([{ name: 'alice' }, expect.objectContaining({ name: 'ops' })]);
  });

  test("runs the operator's script as it is", () => {
    const userData = '#!/bin/sh\necho "Grüße"\n';
    const { scripts, config } = take({ userData });
    expect(Object.values(scripts)).toEqual([userData]);
    expect(config).toMatchObject({ hostname: 'web1', users: [{ name: 'ops' }] });
  });

  test('looks into a multi-part message of theirs', () => {
    const part = (type: string, body: string): string => `--b\nContent-Type: ${type}\n\n${body}`;
    const parts = [
      part('text/cloud-config', '#cloud-config\npackages: [vim]\n'),
      part('text/x-shellscript', '#!/bin/sh\necho x\n'),
    ];
    const userData = `MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary="b"\n\n${parts.join('\n')}\n--b--\n`;
    const { scripts, config } = take({ userData });
    expect(config).toMatchObject({ packages: ['vim'], users: [{ name: 'ops' }] });
    expect(Object.values(scripts).map((script) => script.trim())).toEqual(['#!/bin/sh\necho x']);
  });

  test('fetches the seed from a server, as a pointer on the disk says', async () => {
    const seed = seedOf({ ...input, phoneHome, fetched: true });
    const server = await startTestServer((request, response) => {
      response.end(seed[(request.url ?? '').split('/').pop() as keyof Seed]);
    });
    const child = spawn(python, [consume, join(dir, 'state'), `${server.url}/deploy/TOKEN/seed/`]);
    const output = await text(child.stdout);
    await server.close();
    expect(JSON.parse(output)).toMatchObject({
      instanceId: input.deploymentId,
      config: { manual_cache_clean: true, hostname: 'web1' },
    });
  });

  test.each<[string, Partial<SeedInput>]>([
    ['users with keys', {}],
    ['root with a password', { users: [{ name: 'root', authorizedKeys: [], passwordHash: '$6$s$h' }] }],
    ['no users, a domain', { users: [], domain: 'example.com' }],
    ['a seed that is fetched', { fetched: true }],
  ])('finds its own schema kept: %s', (_, changes) => {
    const file = join(dir, 'user-data');
    writeFileSync(file, seedOf({ ...input, ...changes })['user-data']);
    const { stdout, stderr } = spawnSync('/usr/bin/cloud-init', ['schema', '--config-file', file], {
      encoding: 'utf8',
    });
    expect(stdout + stderr).toContain('Valid cloud-config');
  });

  test.each([
    ['systemd-networkd', 'networkd'],
    ['ifupdown', 'eni'],
  ])('makes DHCP on the boot port of the network configuration for %s', (_, kind) => {
    const file = join(dir, 'network-config');
    writeFileSync(file, seedOf({ ...input, phoneHome: '' })['network-config']);
    const out = join(dir, 'out');
    const args = [
      'devel',
      'net-convert',
      '-p',
      file,
      '-k',
      'yaml',
      '-d',
      out,
      '-D',
      'debian',
      '-O',
      kind,
      '-m',
      `eth7,${input.mac ?? ''}`,
    ];
    const { status, stderr } = spawnSync('/usr/bin/cloud-init', args, { encoding: 'utf8' });
    expect({ status, stderr: status === 0 ? '' : stderr }).toEqual({ status: 0, stderr: '' });
    const written = spawnSync('sh', ['-c', `find "${out}" -type f -exec cat {} +`], { encoding: 'utf8' }).stdout;
    expect(written).toMatch(/dhcp/i);
    expect(written.toLowerCase()).toMatch(/eth7|52:54:00:77:01:00/);
  });
});

/** The script that calls home, by each program that may be there to do it. */
describe('phone-home', () => {
  const needed = ['uname', 'tr', 'sed', 'ip', 'awk', 'cat', 'sleep', 'dash'];
  let dir: string;
  let server: TestServer;
  let bodies: string[];
  let statuses: number[];

  beforeEach(async () => {
    dir = mkdtempSync(join(tmpdir(), 'rwt-home-'));
    bodies = [];
    statuses = [];
    server = await startTestServer((request, response) => {
      text(request).then(
        (body) => {
          bodies.push(body);
          response.writeHead(statuses.shift() ?? 200).end();
        },
        () => response.destroy(),
      );
    });
  });
  afterEach(async () => {
    await server.close();
    rmSync(dir, { recursive: true, force: true });
  });

  /** Runs it where there is no other client than this. Resolves with the last of so many calls. */
  const callBy = async (client: string, calls: number): Promise<string | undefined> => {
    for (const program of [...needed, client]) {
      const path = program === 'python3' ? python : spawnSync('which', [program], { encoding: 'utf8' }).stdout.trim();
      if (path === '') throw new Error(`no ${program}: make setup`);
      symlinkSync(path, join(dir, program));
    }
    const script = join(dir, 'phone-home.sh');
    const { 'vendor-data': vendorData } = seedOf({
      ...input,
      url: server.url,
      phoneHome: await readFile('src/deployment/phone-home.sh', 'utf8'),
    });
    writeFileSync(script, vendorData);
    const child = spawn(join(dir, 'dash'), [script], { env: { PATH: dir }, stdio: 'ignore' });
    await once(child, 'close');
    while (bodies.length < calls) await new Promise((go) => setTimeout(go, 50));
    return bodies.at(-1);
  };

  test.each(['curl', 'wget', 'python3'])('tells what the system is by %s', async (client) => {
    const system = parseSystem((await callBy(client, 1)) ?? '', '');
    expect(system).toMatchObject({ hostname: hostname(), kernel: release(), at: '' });
    expect(system?.os).toMatch(/^Debian GNU\/Linux/);
    const own = Object.values(networkInterfaces())
      .flatMap((ports) => ports ?? [])
      .filter(({ internal, family }) => !internal && family === 'IPv4');
    expect(system?.addresses).toEqual(expect.arrayContaining(own.map(({ address }) => address)));
  });

  test('calls again until the server has understood', async () => {
    statuses.push(503, 502);
    await callBy('curl', 3);
    expect(new Set(bodies).size).toBe(1);
  });
});

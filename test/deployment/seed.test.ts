import fc from 'fast-check';
import { parse } from 'yaml';
import { pointerSeed, seedNames, seedOf, type SeedInput } from '../../src/deployment/seed.ts';

const input: SeedInput = {
  deploymentId: '6f0000000000000000000001',
  hostname: 'web1',
  domain: 'example.com',
  users: [{ name: 'ops', authorizedKeys: ['ssh-ed25519 AAAA ops'] }],
  mac: '52:54:00:77:01:00',
  url: 'http://172.31.128.1:9080/deploy/TOKEN',
  phoneHome: "#!/bin/sh\nurl='@URL@'\n",
  fetched: false,
};
const read = (text: string): unknown => parse(text, { version: '1.1' });

test('says who the machine is, who may log in, and whom to call', () => {
  const seed = seedOf(input);
  expect(read(seed['meta-data'])).toEqual({ 'instance-id': input.deploymentId, 'local-hostname': 'web1' });
  expect(seed['user-data']).toMatch(/^#cloud-config\n/);
  expect(read(seed['user-data'])).toEqual({
    hostname: 'web1',
    fqdn: 'web1.example.com',
    manage_etc_hosts: 'localhost',
    ssh_pwauth: false,
    users: [
      {
        name: 'ops',
        shell: '/bin/bash',
        sudo: 'ALL=(ALL) NOPASSWD:ALL',
        lock_passwd: true,
        ssh_authorized_keys: ['ssh-ed25519 AAAA ops'],
      },
    ],
  });
  expect(seed['vendor-data']).toBe(`#!/bin/sh\nurl='${input.url}/phone-home'\n`);
  expect(read(seed['network-config'])).toEqual({
    version: 2,
    ethernets: { boot: { match: { macaddress: input.mac }, dhcp4: true } },
  });
});

test('root with a password may log in as root, with it', () => {
  const users = [{ name: 'root', authorizedKeys: [], passwordHash: '$6$s$h' }];
  expect(read(seedOf({ ...input, users })['user-data'])).toMatchObject({
    disable_root: false,
    ssh_pwauth: true,
    users: [{ name: 'root', lock_passwd: false, hashed_passwd: '$6$s$h' }],
  });
});

test('without users the image keeps its own, and its way with passwords', () => {
  expect(Object.keys(read(seedOf({ ...input, users: [] })['user-data']) as object)).toEqual([
    'hostname',
    'fqdn',
    'manage_etc_hosts',
  ]);
});

test('a seed that is fetched is on the disk as a pointer, and lasts beyond the first boot', () => {
  const {
    'meta-data': metaData,
    'user-data': userData,
    'vendor-data': vendorData,
  } = pointerSeed({ ...input, fetched: true });
  expect(read(metaData)).toMatchObject({ seedfrom: `${input.url}/seed/` });
  expect([userData, vendorData]).toEqual(['', '']);
  expect(read(seedOf({ ...input, fetched: true })['user-data'])).toMatchObject({ manual_cache_clean: true });
});

test('without a MAC cloud-init finds its port itself', () => {
  expect(seedOf({ ...input, mac: undefined })['network-config']).toBe('');
});

test('no host name and no key is anything but text to a reader of YAML 1.1', () => {
  fc.assert(
    fc.property(
      fc.constantFrom('no', 'on', '0123', '1e3', '12:30:45', '~', 'null', '0x1f', '1_000'),
      fc.string(),
      (hostname, key) => {
        const users = [{ name: 'ops', authorizedKeys: [key] }];
        const seed = seedOf({ ...input, hostname, users });
        expect(read(seed['meta-data'])).toMatchObject({ 'local-hostname': hostname });
        expect(read(seed['user-data'])).toMatchObject({ hostname, users: [{ ssh_authorized_keys: [key] }] });
      },
    ),
  );
});

test("the operator's user data is kept to the byte, before ours", () => {
  const anyText = fc.string({ unit: 'binary', maxLength: 300 }).filter((text) => text.isWellFormed());
  fc.assert(
    fc.property(anyText, (text) => {
      const userData = `#!/bin/sh\n${text}`;
      const [, theirs = '', ours = ''] = seedOf({ ...input, userData })['user-data'].split('--==rackwright==\n');
      const body = (part: string): string => Buffer.from(part.slice(part.indexOf('\n\n')), 'base64').toString('utf8');
      expect(theirs).toContain('Content-Type: text/x-shellscript');
      expect(body(theirs)).toBe(userData);
      expect(ours).toContain('Content-Type: text/cloud-config');
      expect(read(body(ours))).toMatchObject({ hostname: 'web1' });
    }),
  );
});

test('every document is there', () => {
  expect(Object.keys(seedOf(input)).sort()).toEqual([...seedNames].sort());
});

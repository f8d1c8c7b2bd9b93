import fc from 'fast-check';
import { deployRequestSchema, parseBytes } from '../../src/deployment/request.ts';
import { userDataLimit } from '../../src/deployment/user-data.ts';

const ed25519 = `ssh-ed25519 ${Buffer.concat([
  Buffer.from([0, 0, 0, 11]),
  Buffer.from('ssh-ed25519'),
  Buffer.from([0, 0, 0, 32]),
  Buffer.alloc(32, 1),
]).toString('base64')}`;
const least = { image: 'debian-12', hostname: 'web1' };

/** `field: message` of all that is wrong. */
const problems = (request: unknown): string[] => {
  const parsed = deployRequestSchema.safeParse(request);
  return parsed.success ? [] : parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
};

test('an image and a host name are enough', () => {
  expect(deployRequestSchema.parse(least)).toEqual({ ...least, users: [], seed: 'disk' });
});

test('all of it, and what was checked once can be checked again', () => {
  const request = deployRequestSchema.parse({
    ...least,
    domain: 'example.com',
    users: [
      { name: 'ops', authorizedKeys: [ed25519] },
      { name: 'root', passwordHash: '$6$salt$hash' },
    ],
    userData: '#cloud-config\npackages: [vim]\n',
    disk: { size: '480 GB', type: 'ssd', name: '/dev/sda', serial: ' S1 ' },
    seed: 'network',
  });
  expect(request.disk).toEqual({
    type: 'ssd',
    name: 'sda',
    serial: 'S1',
    minBytes: 470_400_000_000,
    maxBytes: 489_600_000_000,
  });
  expect(deployRequestSchema.parse(request)).toEqual(request);
  expect(deployRequestSchema.parse(JSON.parse(JSON.stringify(request)))).toEqual(request);
});

test.each<[string, unknown, RegExp]>([
  ['no host name', { image: 'x' }, /^hostname: /],
  ['a host name with a dot', { ...least, hostname: 'web1.example.com' }, /^hostname: .*without dots.*domain/],
  ['a host name with an underscore', { ...least, hostname: 'web_1' }, /^hostname: must be 1 to 63 letters/],
  ['a host name that begins with a hyphen', { ...least, hostname: '-web' }, /^hostname: /],
  ['a long host name', { ...least, hostname: 'a'.repeat(64) }, /^hostname: /],
  ['a domain that is none', { ...least, domain: 'exa mple' }, /^domain: must be a domain name/],
  [
    'an upper-case user',
    { ...least, users: [{ name: 'Ops', authorizedKeys: [ed25519] }] },
    /^users\.0\.name: must be a Linux user/,
  ],
  ['a user without access', { ...least, users: [{ name: 'ops' }] }, /^users\.0: must have a key/],
  [
    'a key that is no key',
    { ...least, users: [{ name: 'ops', authorizedKeys: [ed25519, 'nokey'] }] },
    /^users\.0\.authorizedKeys\.1: must begin with/,
  ],
  [
    'a plain password',
    { ...least, users: [{ name: 'ops', passwordHash: 'secret' }] },
    /^users\.0\.passwordHash: must be a hash/,
  ],
  [
    'a user twice',
    { ...least, users: [1, 2].map(() => ({ name: 'ops', authorizedKeys: [ed25519] })) },
    /^users\.1\.name: must differ/,
  ],
  [
    'YAML that is none',
    { ...least, userData: '#cloud-config\na: [1\nb: 2\n' },
    /^userData: is not valid YAML at line [23], column \d+: /,
  ],
  [
    'a tab in YAML',
    { ...least, userData: '#cloud-config\nusers:\n\t- x\n' },
    /^userData: is not valid YAML at line 3, column 1: /,
  ],
  ['a list as cloud-config', { ...least, userData: '#cloud-config\n- a\n' }, /^userData: must be a YAML mapping/],
  ['user data of no kind', { ...least, userData: 'packages: [vim]' }, /^userData: must begin with #cloud-config/],
  [
    'too much user data',
    { ...least, userData: `#!/bin/sh\n${'x'.repeat(userDataLimit)}` },
    /^userData: must have at most 65536 bytes/,
  ],
  ['a size that is none', { ...least, disk: { size: 'big' } }, /^disk\.size: must be a number of bytes/],
  ['a size and its limits', { ...least, disk: { size: 1, minSize: 1 } }, /^disk\.size: must stand alone/],
  ['limits upside down', { ...least, disk: { minSize: '2 TB', maxSize: '1 TB' } }, /^disk\.minSize: must not be above/],
  ['a kind of disk that is none', { ...least, disk: { type: 'tape' } }, /^disk\.type: must be ssd, hdd or nvme/],
  [
    'a partition as disk',
    { ...least, disk: { name: '/dev/mapper/x' } },
    /^disk\.name: must be the name of a whole disk/,
  ],
  ['an unknown field', { ...least, colour: 'red' }, /colour/],
])('%s is told by its field', (_, request, problem) => {
  expect(problems(request).join('\n')).toMatch(problem);
});

test.each([
  '#!/bin/sh\nexit\n',
  '#include http://x/y\n',
  '## template: jinja\n#cloud-config\na: {{ b }}\n',
  'Content-Type: multipart/mixed; boundary="x"\n',
  '#cloud-config\n',
  '#cloud-config\n# nothing\n',
])('user data: %j', (userData) => {
  expect(problems({ ...least, userData })).toEqual([]);
});

test.each([
  ['0', 0],
  [1024, 1024],
  ['480GB', 480e9],
  ['1.5 TiB', 1.5 * 2 ** 40],
  ['12 kb', 12_000],
  ['12 parsecs', undefined],
  ['-1', undefined],
  ['1e3', undefined],
  [1.5, 2],
  ['99999999 PB', undefined],
])('%j is %j bytes', (text, bytes) => {
  expect(parseBytes(text)).toBe(bytes);
});

test('aliases that would be billions of values cost nothing', () => {
  const levels = Array.from({ length: 30 }, (_, n) => `l${n + 1}: &l${n + 1} [${`*l${n}, `.repeat(9)}]`).join('\n');
  expect(problems({ ...least, userData: `#cloud-config\nl0: &l0 x\n${levels}\n` })).toEqual([]);
});

test('no request makes it fail', () => {
  fc.assert(
    fc.property(fc.object(), fc.string(), (request, text) => {
      expect(() => problems({ ...request, userData: `#cloud-config\n${text}`, hostname: text })).not.toThrow();
    }),
  );
});

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'yaml';
import { configOptions, loadConfig } from '../src/config.ts';
import { describeError } from '../src/errors.ts';
import { sampleConfig, showConfig } from '../src/config-print.ts';

let dir: string;
beforeAll(() => (dir = mkdtempSync(join(tmpdir(), 'rw-config-'))));
afterAll(() => {
  rmSync(dir, { recursive: true });
});

function file(text: string): string {
  const path = join(dir, 'rackwright.yaml');
  writeFileSync(path, text);
  return path;
}

test('the order is file, environment, flags', () => {
  const yaml = file('admin: {port: 1000, address: 10.0.0.1}\nstore: mongodb\n');
  const env = { RACKWRIGHT_ADMIN_PORT: '2000', RACKWRIGHT_STORE: 'sqlite', PATH: '/bin' };
  const { config, sources } = loadConfig({ file: yaml, env, flags: { 'admin-port': '3000' } });
  expect(config.admin).toMatchObject({ port: 3000, address: '10.0.0.1' });
  expect(config.store).toBe('sqlite');
  expect(Object.fromEntries(sources)).toEqual({
    'admin.port': '--admin-port',
    'admin.address': yaml,
    store: 'RACKWRIGHT_STORE',
  });
});

test('lists come as YAML or as words', () => {
  expect(loadConfig({ env: {}, flags: { roles: 'dhcp,tftp' } }).config.roles).toEqual(['dhcp', 'tftp']);
  const subnets = '[{cidr: 10.0.0.0/24, addresses: true, pools: ["10.0.0.5-10.0.0.9"]}]';
  const { config } = loadConfig({ env: { RACKWRIGHT_SOUTHBOUND_SUBNETS: subnets }, flags: {} });
  expect(config.southbound.subnets[0]).toMatchObject({ addresses: true, boot: false, leaseSeconds: 3600 });
});

test.each([
  ['an unknown key', 'admin: {prot: 1}', /^admin\.prot \(from .*rackwright\.yaml\): is not an option/],
  ['an unknown section', 'amdin: {port: 1}', /^amdin\.?.* \(from .*\): is not an option/],
  ['a wrong type', 'admin: {port: many}', /^admin\.port \(from .*rackwright\.yaml\): expected a port number/],
  ['a port out of range', 'admin: {port: 70000}', /^admin\.port \(from .*\): /],
  [
    'a wrong value deep in a list',
    'southbound: {subnets: [{cidr: 10.0.0.0}]}',
    /^southbound\.subnets\[0\]\.cidr \(from .*\): expected an IPv4 network/,
  ],
  ['a list instead of a mapping', '[1]', /expected a mapping/],
])('%s is named with its source', (_, yaml, message) => {
  expect(() => loadConfig({ file: file(yaml), env: {}, flags: {} })).toThrow(message);
});

test('an unknown variable or flag is named', () => {
  expect(() => loadConfig({ env: { RACKWRIGHT_ADMIN_PROT: '1' }, flags: {} })).toThrow(
    'RACKWRIGHT_ADMIN_PROT: is not an option',
  );
  expect(() => loadConfig({ env: {}, flags: { 'admin-prot': '1' } })).toThrow('--admin-prot: is not an option');
});

test('a file that is no YAML is told by its line, without quoting what may be a password', () => {
  const text = 'admin:\n  port: 9090\nmongodb: { url: "mongodb://root:hunter2@db"\n';
  const load = () => loadConfig({ file: file(text), env: {}, flags: {} });
  expect(load).toThrow(/is not YAML: .* at line \d/);
  const told = (): string => {
    try {
      load();
    } catch (error) {
      return describeError(error);
    }
    return '';
  };
  expect(told()).not.toContain('hunter2');
});

test('a file that is missing or no YAML is named', () => {
  expect(() => loadConfig({ file: '/nonexistent.yaml', env: {}, flags: {} })).toThrow('/nonexistent.yaml');
  expect(() => loadConfig({ file: file('a: [1'), env: {}, flags: {} })).toThrow('is not YAML');
});

test('the sample is a valid configuration with every default', () => {
  const sample = sampleConfig();
  expect(loadConfig({ file: file(sample), env: {}, flags: {} }).config).toEqual(
    loadConfig({ env: {}, flags: {} }).config,
  );
  for (const option of configOptions()) expect(sample).toContain(`${option.key.split('.').at(-1) ?? ''}:`);
  expect(parse(sample)).toHaveProperty('southbound.subnets', []);
});

test('show says where each value came from and hides secrets', () => {
  const shown = showConfig(loadConfig({ env: { RACKWRIGHT_MONGODB_URL: 'mongodb://u:hunter2@db' }, flags: {} }));
  expect(shown).toMatch(/^mongodb\.url +\(hidden\) +RACKWRIGHT_MONGODB_URL$/m);
  expect(shown).toMatch(/^admin\.port +9090 +default$/m);
  expect(shown).not.toContain('hunter2');
});

test('every option has three names of one form', () => {
  for (const { key, variable, flag } of configOptions()) {
    expect(variable).toMatch(/^RACKWRIGHT_[A-Z_]+$/);
    expect(flag.replaceAll('-', '')).toBe(key.replaceAll('.', '').toLowerCase());
  }
});

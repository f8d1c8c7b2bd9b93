import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { loadConfig } from '../src/config.ts';
import type { Config } from '../src/config-schema.ts';
import { checkAdmin } from '../src/app/admin.ts';
import { configuredSubnets } from '../src/app/network.ts';
import { ipv4ToNumber, networkContains, parseNetwork } from '../src/net/address.ts';

interface Service {
  readonly environment?: Record<string, string>;
  readonly ports?: string[];
  readonly privileged?: boolean;
  readonly cap_drop?: string[];
  readonly profiles?: string[];
  readonly networks: Readonly<Record<string, { ipv4_address?: string }>>;
}

interface Compose {
  readonly services: Readonly<Record<string, Service>>;
  readonly networks: Readonly<
    Record<string, { internal?: boolean; ipam?: { config: { subnet: string; ip_range: string; gateway: string }[] } }>
  >;
}

/** The file, also with the line that it offers for a second node. */
const text = readFileSync(join(import.meta.dirname, '../docker-compose.yml'), 'utf8');
const parseCompose = (source: string): Compose => parse(source, { merge: true }) as Compose;
const compose = parseCompose(text);
const withSecond = parseCompose(text.replace(/^ {2}# (node2: .*)$/m, '  $1'));

function serverConfig(): Config {
  return loadConfig({ env: compose.services.rackwright?.environment ?? {}, flags: {} }).config;
}

test('the networks have the names that RackHD users know', () => {
  expect(Object.keys(compose.networks).sort()).toEqual(['rackhd_admin', 'rackhd_southbound']);
  // Published ports belong to the first by name.
  expect(Object.keys(compose.services.rackwright?.networks ?? {})).toEqual(['rackhd_admin', 'rackhd_southbound']);
});

test("the server's variables are a right configuration", () => {
  const config = serverConfig();
  expect(config).toMatchObject({ store: 'mongodb', admin: { auth: 'none' } });
  expect(config.southbound.subnets[0]).toMatchObject({ addresses: true, boot: true });
  expect(() => {
    checkAdmin(config);
  }).not.toThrow();
});

test('addresses of the engine, of containers and of nodes do not meet', () => {
  const [ipam] = compose.networks.rackhd_southbound?.ipam?.config ?? [];
  const config = serverConfig();
  const [subnet] = configuredSubnets(config);
  const range = parseNetwork(ipam?.ip_range ?? '');
  const fixed = Object.values(withSecond.services).flatMap(
    ({ networks }) => networks.rackhd_southbound?.ipv4_address ?? [],
  );
  expect(config.southbound.subnets[0]?.cidr).toBe(ipam?.subnet);
  expect(config.bmc.networks).toEqual([ipam?.subnet]);
  expect(fixed).toEqual(['172.31.128.1', '172.31.128.11', '172.31.128.12']);
  expect(config.southbound.address).toBe(fixed[0]);
  for (const address of [...fixed, ipam?.gateway ?? '']) {
    expect(subnet && networkContains(subnet.network, address)).toBe(true);
    expect(networkContains(range, address)).toBe(false);
    for (const { from, to } of subnet?.pools ?? []) {
      const value = ipv4ToNumber(address);
      expect(value < ipv4ToNumber(from) || value > ipv4ToNumber(to)).toBe(true);
      expect(networkContains(range, from) || networkContains(range, to)).toBe(false);
    }
  }
});

test('the southbound network is not internal: the rules of such a one drop DHCP', () => {
  expect(compose.networks.rackhd_southbound?.internal).toBeUndefined();
});

test('the second node is the first with another address, in the same profile', () => {
  const { node1, node2 } = withSecond.services;
  expect(node2?.profiles).toEqual(['lab']);
  expect({ ...node2, command: [], networks: {} }).toEqual({ ...node1, command: [], networks: {} });
});

test('nothing is privileged, and what needs no login is published on loopback only', () => {
  for (const service of Object.values(withSecond.services)) {
    expect(service.privileged).toBeUndefined();
    for (const port of service.ports ?? []) expect(port).toMatch(/^127\.0\.0\.1:/);
  }
  expect(compose.services.rackwright?.cap_drop).toEqual(['ALL']);
  expect(compose.services.node1?.cap_drop).toEqual(['ALL']);
});

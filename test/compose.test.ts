import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { loadConfig } from '../src/config.ts';
import { checkAdmin } from '../src/app/admin.ts';

interface Compose {
  readonly services: Readonly<
    Record<string, { environment?: Record<string, string>; ports?: string[]; privileged?: boolean; networks: unknown }>
  >;
  readonly networks: Readonly<Record<string, unknown>>;
}

const compose = parse(readFileSync(join(import.meta.dirname, '../docker-compose.yml'), 'utf8')) as Compose;

test('the networks have the names that RackHD users know', () => {
  expect(Object.keys(compose.networks).sort()).toEqual(['rackhd_admin', 'rackhd_southbound']);
  expect(Object.keys(compose.services.rackwright?.networks as object)).toEqual(['rackhd_admin', 'rackhd_southbound']);
});

test("the server's variables are a right configuration", () => {
  const { config } = loadConfig({ env: compose.services.rackwright?.environment ?? {}, flags: {} });
  expect(config).toMatchObject({ store: 'mongodb', admin: { auth: 'none' }, southbound: { address: '172.31.128.2' } });
  expect(config.southbound.subnets[0]).toMatchObject({ addresses: true, boot: true });
  expect(() => {
    checkAdmin(config);
  }).not.toThrow();
});

test('nothing is privileged, and what needs no login is published on loopback only', () => {
  for (const service of Object.values(compose.services)) {
    expect(service.privileged).toBeUndefined();
    for (const port of service.ports ?? []) expect(port).toMatch(/^127\.0\.0\.1:/);
  }
});

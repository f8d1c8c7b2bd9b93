import { join, resolve } from 'node:path';
import { configOptions, loadConfig, valueAt } from '../../src/config.ts';
import { southboundRoutes } from '../../src/southbound/app.ts';
import type { SouthboundDeps } from '../../src/southbound/deps.ts';
import { startWorld, type ApiWorld } from '../api/world.ts';
import { expectGoldenSection, markdownTable } from '../support/golden.ts';

const file = join(resolve(import.meta.dirname, '../..'), 'docs/ports.md');

interface Operation {
  readonly method: string;
  readonly path: string;
  readonly summary: string;
}

let world: ApiWorld;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world.close());

/** What each option that is a port opens, and where it listens by default. */
const opened: Readonly<Record<string, readonly [transport: string, where: string, what: string]>> = {
  'admin.port': ['tcp', '`admin.address`, by default 127.0.0.1', 'the API: our own, and RackHD\'s'],
  'admin.tlsPort': ['tcp', '`admin.address`', 'the API by TLS; opened where the option is set'],
  'southbound.httpPort': ['tcp', "the server's southbound address", 'boot scripts, files, identity, agent'],
  'southbound.dhcpPort': ['udp', 'southbound, broadcasts too', 'DHCP; opened also where it only observes'],
  'southbound.proxyDhcpPort': ['udp', 'southbound', 'proxyDHCP and boot server discovery; opened where a subnet has `boot`'],
  'southbound.tftpPort': ['udp', "the server's southbound address", 'TFTP: boot loaders'],
};

test('every option that is a port is in the table, with its default', () => {
  const defaults = loadConfig({ env: {}, flags: {} }).config;
  const ports = configOptions().filter(({ key }) => /port$/i.test(key));
  expect(ports.map(({ key }) => key).sort()).toEqual(Object.keys(opened).sort());
  const rows = ports.map(({ key }) => {
    const [transport = '', where = '', what = ''] = opened[key] ?? [];
    const port = valueAt(defaults, key) as number | undefined;
    return [`${port ?? 'none'}/${transport}`, `\`${key}\``, where, what];
  });
  expectGoldenSection(file, 'ports', markdownTable(['default', 'option', 'where', 'what'], rows));
});

test('every southbound route is listed', () => {
  // The routes are listed, never called.
  const routes = southboundRoutes({} as SouthboundDeps);
  expectGoldenSection(file, 'southbound', listed(routes.map((route) => ({ ...route, path: route.path.replace(/[:*](\w+)/g, '{$1}') }))));
});

test.each([
  ['own', (path: string) => !path.startsWith('/api/')],
  ['rackhd', (path: string) => path.startsWith('/api/')],
])('every admin route of the section %s is listed', async (section, belongs) => {
  const operations = (await adminOperations()).filter(({ path }) => belongs(path));
  expect(operations.length).toBeGreaterThan(10);
  expectGoldenSection(file, section, listed(operations));
});

async function adminOperations(): Promise<Operation[]> {
  const document = (await world.call('GET', '/openapi.json')).json as {
    paths: Record<string, Record<string, { summary: string }>>;
  };
  return Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, { summary }]) => ({ method, path, summary })),
  );
}

function listed(operations: readonly Operation[]): string {
  const rows = operations.map(({ method, path, summary }) => [`\`${method.toUpperCase()} ${path}\``, summary]);
  return markdownTable(['route', 'what'], rows);
}

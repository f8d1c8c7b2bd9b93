/**
 * The DHCP role alone, for tests that run it in a network namespace of its own. Argument: `ServerSettings` as JSON.
 * Prints `ready`, then every fact as a line of JSON; ends on SIGTERM.
 */
import type { AskBoot } from '../../../src/boot/client.ts';
import { createDhcpServer, standardPorts } from '../../../src/dhcp/server.ts';
import type { DhcpSubnet } from '../../../src/dhcp/subnet.ts';
import { createLog } from '../../../src/log.ts';
import { openSqliteStore } from '../../../src/store/sqlite/store.ts';

export interface ServerSettings {
  readonly serverAddress: string;
  readonly subnets: readonly DhcpSubnet[];
  readonly allowOtherServers: boolean;
  /** File of the store; in memory if absent. */
  readonly storePath?: string;
  /** Prints no facts: for benchmarks. */
  readonly quiet?: boolean;
}

const settings = JSON.parse(process.argv[2] ?? '') as ServerSettings;
const print = (line: string) => process.stdout.write(`${line}\n`);
const { store, close } = await openSqliteStore({ path: settings.storePath ?? ':memory:' });

const bootAnswer: AskBoot = ({ stage, serverAddress }) =>
  Promise.resolve({
    kind: 'file',
    file: stage === 'ipxe' ? `http://${serverAddress}:9080/boot/script` : 'undionly.kpxe',
    nextServer: serverAddress,
  });

const server = createDhcpServer({
  ...settings,
  ports: standardPorts,
  store,
  bootAnswer,
  record: (fact) => {
    if (settings.quiet !== true) print(JSON.stringify(fact));
  },
  log: createLog('warn'),
  now: () => new Date(),
  deployment: 'test',
});
await server.start();
print('ready');

process.once('SIGTERM', () => {
  void (async () => {
    await server.drain();
    await server.stop();
    await close();
  })();
});

/** Ironic's API alone: no login, its database in SQLite, no conductor. For reading only. */
import { execFile, spawn } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { promisify } from 'node:util';
import { waitFor } from '../../../src/lab/wait.ts';
import { watch, type Started } from '../../support/started.ts';

const run = promisify(execFile);
const home = resolve(import.meta.dirname, '../../../.cache/bench/ironic-39');

/** Puts Ironic 39 from PyPI into a Python environment under .cache, once; rejects with pip's words where it cannot. */
export async function installIronic(): Promise<void> {
  if (existsSync(join(home, 'bin/ironic-api'))) return;
  await run('python3', ['-m', 'venv', '--clear', home]);
  await run(join(home, 'bin/pip'), ['install', '--quiet', 'ironic==39.*'], { timeout: 600_000 });
}

/** Starts the API on a port of loopback, with that many nodes, working in an empty directory. */
export async function startIronic(directory: string, port: number, nodes: number): Promise<Started> {
  const config = join(directory, 'ironic.conf');
  const database = join(directory, 'ironic.db');
  writeFileSync(config, settings(port, database));
  await run(join(home, 'bin/ironic-dbsync'), ['--config-file', config, 'create_schema']);
  await fill(database, nodes);
  const api = watch(
    spawn(join(home, 'bin/ironic-api'), ['--config-file', config], { stdio: ['ignore', 'pipe', 'pipe'] }),
  );
  try {
    const answers = async (): Promise<true | undefined> =>
      (await fetch(`http://127.0.0.1:${port}/`).catch(() => undefined))?.status === 200 ? true : undefined;
    await waitFor("Ironic's API", answers, { deadlineMs: 60_000 });
  } catch (error) {
    await api.stop();
    throw new Error(api.output(), { cause: error });
  }
  return api;
}

/** Two workers, as many as the machines have cores that the figures of docs/performance.md are from. */
const settings = (port: number, database: string): string => `
[DEFAULT]
auth_strategy = noauth
rpc_transport = json-rpc
enabled_hardware_types = fake-hardware
[json_rpc]
auth_strategy = noauth
[api]
host_ip = 127.0.0.1
port = ${port}
api_workers = 2
[database]
connection = sqlite:///${database}
[oslo_messaging_notifications]
driver = noop
`;

/** Nodes as they are after inspection. Its own API would ask a conductor for each. */
async function fill(path: string, count: number): Promise<void> {
  const { stdout } = await run(join(home, 'bin/python'), [
    ...['-W', 'ignore', '-c', 'from ironic.objects.node import Node; print(Node.VERSION)'],
  ]);
  const properties = { cpus: 32, memory_mb: 262144, local_gb: 447, cpu_arch: 'x86_64', vendor: 'Dell Inc.' };
  const values = {
    driver: 'fake-hardware',
    properties: JSON.stringify(properties),
    ...{ driver_info: '{}', driver_internal_info: '{}', instance_info: '{}', extra: '{}' },
    ...{ power_state: 'power on', provision_state: 'available', resource_class: 'baremetal', conductor_group: '' },
    ...{ maintenance: 0, console_enabled: 0, protected: 0, retired: 0, disable_power_off: 0 },
    version: stdout.trim(),
    created_at: '2026-01-01 00:00:00',
  };
  const database = new DatabaseSync(path);
  const columns = ['uuid', 'name', ...Object.keys(values)];
  const insert = database.prepare(
    `INSERT INTO nodes (${columns.join(', ')}) VALUES (${columns.map(() => '?').join(', ')})`,
  );
  database.exec('BEGIN');
  for (let index = 1; index <= count; index += 1) {
    const uuid = `00000000-0000-4000-8000-${String(index).padStart(12, '0')}`;
    insert.run(uuid, `node-${index}`, ...Object.values(values));
  }
  database.exec('COMMIT');
  database.close();
}

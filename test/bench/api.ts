/**
 * How many lists of 100 nodes (of 10,000, with summaries and addresses) the admin API answers a second, beside a bare
 * node:http program that reads the same rows of the same SQLite file and writes them as JSON. Each has a process of its
 * own.
 */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { Agent, createServer, get, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { createApi } from '../../src/api/app.ts';
import type { ApiDeps } from '../../src/api/deps.ts';
import { createLog } from '../../src/log.ts';
import { openSqliteStore } from '../../src/store/sqlite/store.ts';
import { inTurns, median, report } from './report.ts';

const nodeCount = 10_000;
const roundMs = 3_000;
const connections = 8;

async function fill(path: string): Promise<void> {
  const { store, close } = await openSqliteStore({ path });
  const insertOne = async (index: number): Promise<void> => {
    const id = (0x5f000000 + index).toString(16).padEnd(24, '0');
    const mac = (0x525400000000 + index).toString(16).replace(/..(?!$)/g, '$&:');
    await store.nodes.insert({
      id,
      name: `node-${index}`,
      type: 'compute',
      identifiers: [mac],
      state: { name: 'discovered', since: '2026-01-01T00:00:00.000Z' },
      summary: {
        vendor: 'Dell Inc.',
        product: 'PowerEdge R740',
        serial: `SN${index}`,
        cpuModel: 'Intel(R) Xeon(R) Gold 6130 CPU @ 2.10GHz',
        cpuCount: 2,
        cpuCores: 32,
        memoryBytes: 2 ** 38,
        disks: [
          { name: 'sda', sizeBytes: 480_103_981_056, model: 'SSDSC2KB48', serial: `D${index}` },
          { name: 'nvme0n1', sizeBytes: 1_920_383_410_176 },
        ],
        macs: [mac],
        bmcAddress: '10.0.0.1',
      },
      tags: ['rack-1'],
      autoDiscover: false,
      sku: null,
      relations: [],
    });
    await store.lookups.insert({ macAddress: mac, ipAddress: `10.1.${index >> 8}.${index & 255}`, node: id });
  };
  // In lots: commits are shared by all writes that wait.
  for (let index = 0; index < nodeCount; index += 200) {
    await Promise.all(Array.from({ length: 200 }, (_, offset) => insertOne(index + offset)));
  }
  await close();
}

const never = (): never => {
  throw new Error('the benchmark asks for lists of nodes only');
};

async function ours(path: string): Promise<RequestListener> {
  const { store } = await openSqliteStore({ path });
  const unused = new Proxy({}, { get: () => never });
  const deps = { store, engine: unused, obm: unused, facts: unused, definitions: unused, why: unused, sealer: unused };
  const rest = { configView: never, metrics: never, health: never, log: createLog('silent'), now: () => new Date() };
  return createApi({ ...deps, ...rest } as unknown as ApiDeps, { version: '0' });
}

function bare(path: string): RequestListener {
  const db = new DatabaseSync(path, { readOnly: true });
  const nodes = db.prepare('SELECT "json" FROM "nodes" WHERE "type" = ? ORDER BY "id" LIMIT 100');
  const lookups = db.prepare(
    'SELECT "json" FROM "lookups" WHERE "node" IN (SELECT "value" FROM json_each(?)) ORDER BY "id"',
  );
  const parse = (row: Record<string, unknown>): Record<string, unknown> =>
    JSON.parse(String(row.json)) as Record<string, unknown>;
  return (_request, response) => {
    const items = nodes.all(typeKey).map(parse);
    const addresses = lookups.all(JSON.stringify(items.map(({ id }) => id))).map(parse);
    const body = JSON.stringify({
      items: items.map((node) => ({ ...node, addresses: addresses.filter((lookup) => lookup.node === node.id) })),
    });
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) });
    response.end(body);
  };
}

/** How the store writes text into the columns of declared fields. */
const typeKey = 'compute';

async function serve(kind: string, path: string): Promise<void> {
  const server = createServer(kind === 'ours' ? await ours(path) : bare(path));
  server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port));
  process.once('disconnect', () => process.exit());
}

interface Measured {
  readonly rate: number;
  readonly medianMs: number;
}

async function measure(port: number): Promise<Measured> {
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  const times: number[] = [];
  const until = performance.now() + roundMs;
  const worker = async (): Promise<void> => {
    while (performance.now() < until) {
      const start = performance.now();
      const length = await askOnce(port, agent);
      if (length < 20_000) throw new Error(`a list of ${length} bytes is no list of 100 nodes`);
      times.push(performance.now() - start);
    }
  };
  await Promise.all(Array.from({ length: connections }, worker));
  agent.destroy();
  return { rate: times.length / (roundMs / 1000), medianMs: median(times) };
}

function askOnce(port: number, agent: Agent): Promise<number> {
  return new Promise((resolve, reject) => {
    get({ host: '127.0.0.1', port, path: '/nodes?type=compute', agent }, (response) => {
      let length = 0;
      response.on('data', (chunk: Buffer) => (length += chunk.length));
      response.on('end', () => {
        resolve(length);
      });
      response.on('error', reject);
    }).on('error', reject);
  });
}

async function startServer(kind: string, path: string): Promise<{ child: ChildProcess; port: number }> {
  const child = fork(import.meta.filename, [kind, path]);
  const [port] = (await once(child, 'message')) as [number];
  return { child, port };
}

async function bench(): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'rw-bench-api-'));
  const path = join(directory, 'store.sqlite');
  await fill(path);
  const servers = [await startServer('ours', path), await startServer('bare', path)] as const;
  try {
    const all = await inTurns({ ours: () => measure(servers[0].port), peer: () => measure(servers[1].port) });
    const pick = (key: keyof Measured) => ({
      ours: all.ours.map((one) => one[key]),
      peer: all.peer.map((one) => one[key]),
    });
    report({ name: 'api-nodes-100', ...pick('rate'), unit: 'lists/s', bar: { atLeast: 0.5 } });
    report({ name: 'api-nodes-100-median', ...pick('medianMs'), unit: 'ms' });
  } finally {
    for (const { child } of servers) child.disconnect();
    rmSync(directory, { recursive: true });
  }
}

const [kind, path] = process.argv.slice(2);
if (kind !== undefined && path !== undefined) await serve(kind, path);
else await bench();

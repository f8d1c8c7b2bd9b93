/**
 * How many lists of 100 nodes (of 10,000, with summaries and addresses) the server answers a second on 16 keep-alive
 * connections, beside a bare node:http program that reads the same rows of the same SQLite file and writes them as JSON,
 * and beside Ironic's API. Each is a process of its own.
 */
import { spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fillNodes } from '../support/fill-nodes.ts';
import { askRepeatedly, type LoadResult } from '../support/keep-alive.ts';
import { openServerPlace } from '../support/server.ts';
import { watch, type Started } from '../support/started.ts';
import { installIronic, startIronic } from './programs/ironic.ts';
import { inTurns, median, quantile, report, reportSkipped } from './report.ts';

const nodeCount = 10_000;
const connections = 16;
const milliseconds = 3_000;
const ironicPort = 21_995;

/** Bodies are looked at for their size, so that an empty list is not taken for a fast one. */
function measure(port: number, path: string, bodyBytes: number): () => Promise<LoadResult> {
  return async () => {
    const result = await askRepeatedly({ port, path, connections, milliseconds });
    if (result.shortestBody < bodyBytes) throw new Error(`${path}: ${result.shortestBody} bytes are no 100 nodes`);
    return result;
  };
}

async function compare(name: string, ours: () => Promise<LoadResult>, peer: () => Promise<LoadResult>, times?: number) {
  await ours();
  await peer();
  const all = await inTurns({ ours, peer }, times);
  const each = (pick: (one: LoadResult) => number) => ({ ours: all.ours.map(pick), peer: all.peer.map(pick) });
  report({ name, ...each(({ perSecond }) => perSecond), unit: 'lists/s', bar: { atLeast: 0.5 } });
  report({ name: `${name}-median`, ...each(({ timesMs }) => median(timesMs)), unit: 'ms' });
  report({ name: `${name}-p99`, ...each(({ timesMs }) => quantile(timesMs, 0.99)), unit: 'ms' });
}

async function compareWithBare(ours: () => Promise<LoadResult>, database: string): Promise<void> {
  const program = join(import.meta.dirname, 'programs/bare-nodes.ts');
  const bare = watch(spawn(process.execPath, [program, database], { stdio: ['ignore', 'pipe', 'inherit'] }));
  const port = Number(await bare.until(/^\d+\n/));
  await compare('api-nodes-100-vs-bare', ours, measure(port, '/', 50_000));
  await bare.stop();
}

/** Its list of the same width is the detailed one; that of names and states only is measured too. */
async function compareWithIronic(ours: () => Promise<LoadResult>, directory: string): Promise<void> {
  mkdirSync(directory);
  let ironic: Started;
  try {
    await installIronic();
    ironic = await startIronic(directory, ironicPort, nodeCount);
  } catch (error) {
    reportSkipped('api-nodes-100-vs-ironic', `Ironic 39 cannot be run here: ${String(error)}`);
    return;
  }
  const list = (path: string) => measure(ironicPort, `/v1/nodes${path}?limit=100`, 20_000);
  await compare('api-nodes-100-vs-ironic', ours, list(''), 3);
  await compare('api-nodes-100-vs-ironic-detail', ours, list('/detail'), 3);
  await ironic.stop();
}

const place = openServerPlace(60, { roles: ['api'], log: { level: 'warn' } });
try {
  mkdirSync(place.dataDir, { mode: 0o700 });
  const database = join(place.dataDir, 'rackwright.db');
  await fillNodes(database, nodeCount);
  await place.healthy(place.serve());
  const ours = measure(Number(new URL(place.url).port), '/nodes?type=compute', 50_000);
  await compareWithBare(ours, database);
  await compareWithIronic(ours, join(place.directory, 'ironic'));
} finally {
  await place.close();
}

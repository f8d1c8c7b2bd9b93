/** Runs of the noop graph (4 tasks) a second, on SQLite in a file and Bull on a managed Redis. No peer is installable. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { createFactLog } from '../../src/events/log.ts';
import { openSqliteStore } from '../../src/store/sqlite/store.ts';
import { createDefinitions, readDefinitions } from '../../src/workflows/definitions.ts';
import { createEngine } from '../../src/workflows/engine.ts';
import type { Services } from '../../src/workflows/job.ts';
import { createQueue } from '../../src/workflows/queue.ts';
import { createManagedRedis } from '../../src/workflows/redis.ts';
import { jobs } from '../../src/workflows/tasks/index.ts';
import { createWorker } from '../../src/workflows/worker.ts';
import { report } from './report.ts';

const runs = Number(process.argv[2] ?? 200);
const atOnce = Number(process.argv[3] ?? 20);

const directory = await mkdtemp(join(tmpdir(), 'rw-bench-'));
const log = pino({ level: 'silent' });
const now = () => new Date();
const opened = await openSqliteStore({ path: join(directory, 'bench.sqlite') });
const { store } = opened;
const facts = createFactLog({ store, now, log });
const redis = createManagedRedis({ dataDirectory: directory, log });
await redis.start();
const queue = createQueue({ redis: { path: redis.path }, log });
const shipped = await readDefinitions(join(import.meta.dirname, '../../definitions'));
const definitions = createDefinitions({ store, shipped, jobs, scope: {} });
const secrets = { resolve: () => Promise.resolve(undefined) };
const engine = createEngine({
  store,
  definitions,
  jobs,
  scope: {},
  append: facts.append,
  secrets,
  hint: queue.add,
  now,
  log,
});
const services = { store, secrets, record: facts.record } as unknown as Services;
const worker = createWorker({ engine, queue, jobs, services, member: 'bench', now, log });
await engine.begin();
await worker.start();

const ended = new Map<string, () => void>();
engine.on(({ run }) => {
  if (run.state !== 'running') ended.get(run.id)?.();
});
async function one(): Promise<void> {
  const started = await engine.start({ graph: 'Graph.noop-example' });
  if (!started.ok) throw new Error(started.message);
  await new Promise<void>((resolve) => {
    ended.set(started.run.id, resolve);
    void store.runs.get(started.run.id).then((run) => {
      if (run?.state !== 'running') resolve();
    });
  });
}

await one();
const from = performance.now();
let left = runs;
await Promise.all(
  Array.from({ length: atOnce }, async () => {
    while (left-- > 0) await one();
  }),
);
const seconds = (performance.now() - from) / 1000;
report({ name: `workflows-noop-runs-${atOnce}-at-once`, ours: runs / seconds, unit: 'runs/s' });
report({ name: `workflows-noop-tasks-${atOnce}-at-once`, ours: (runs * 4) / seconds, unit: 'tasks/s' });

await worker.drain();
await engine.stop();
await queue.close();
await redis.stop();
await facts.stop();
await opened.close();
await rm(directory, { recursive: true, force: true });

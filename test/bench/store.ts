/** The embedded store: commits shared by writers beside commits of one writer, and lists by an index beside lists without. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Draft } from '../../src/model/document.ts';
import { openSqliteBackend } from '../../src/store/sqlite/store.ts';
import { openThings, thingSpecs, type OpenThings, type Thing } from '../support/things.ts';
import { inTurns, report } from './report.ts';

const draft = (index: number): Draft<Thing> => ({
  key: `k${index}`,
  group: `g${index % 100}`,
  rank: index,
  labels: [`l${index}`, 'all'],
  free: { text: 'x'.repeat(500), group: `g${index % 100}` },
});

/** Runs `operation` again and again for about a second and answers how many a second there were. */
async function rate(operation: (round: number) => Promise<unknown>, perRound = 1): Promise<number> {
  const begin = performance.now();
  let rounds = 0;
  while (performance.now() - begin < 1000) {
    await operation(rounds);
    rounds += 1;
  }
  return (rounds * perRound * 1000) / (performance.now() - begin);
}

/** A round is a second of each; three are enough where both sides are the same code. */
async function compare(name: string, ours: () => Promise<number>, peer: () => Promise<number>): Promise<void> {
  report({ name, ...(await inTurns({ ours, peer }, 3)), unit: '1/s' });
}

async function benchWrites({ things }: OpenThings): Promise<void> {
  let next = 0;
  const insert = (): Promise<unknown> => things.insert(draft((next += 1)));
  const grouped = () => rate(() => Promise.all(Array.from({ length: 100 }, insert)), 100);
  await compare('store-100-writers-over-1', grouped, () => rate(insert));
}

/** The peer of each is the same list by a field that has no index. */
async function benchReads({ things }: OpenThings): Promise<void> {
  await things.deleteWhere({});
  await Promise.all(Array.from({ length: 10_000 }, (_, index) => things.insert(draft(index))));
  const by = (where: Record<string, string>) => () => things.find({ where, limit: 100 });
  const scan = () => rate(by({ 'free.group': 'g7' }));
  await compare('store-list-100-of-10000', () => rate(by({ group: 'g7' })), scan);
  await compare('store-find-by-list-element', () => rate(by({ labels: 'l77' })), scan);
  const sort = { field: 'rank', order: 'desc' } as const;
  await compare('store-newest-100', () => rate(() => things.find({ sort, limit: 100 })), scan);
  const [thing] = (await things.find({ limit: 1 })).items;
  await compare('store-get', () => rate(() => things.get(thing!.id)), scan);
}

const dir = mkdtempSync(join(tmpdir(), 'rw-bench-'));
try {
  const open = await openThings(await openSqliteBackend({ path: join(dir, 'things.db'), specs: thingSpecs }));
  await benchWrites(open);
  await benchReads(open);
  await open.close();
} finally {
  rmSync(dir, { recursive: true });
}

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Draft } from '../../src/model/document.ts';
import { openSqliteBackend } from '../../src/store/sqlite/store.ts';
import { openThings, thingSpecs, type OpenThings, type Thing } from '../support/things.ts';

/**
 * The embedded store, each figure beside its peer: `BENCH name ours peer ratio unit`.
 *   node test/bench/store.ts
 */

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

function report(name: string, ours: number, peer: number): void {
  const line = ['BENCH', name, ours.toFixed(0), peer.toFixed(0), (ours / peer).toFixed(2), '1/s'].join(' ');
  process.stdout.write(`${line}\n`);
}

async function benchWrites({ things }: OpenThings): Promise<void> {
  let next = 0;
  const insert = (): Promise<unknown> => things.insert(draft((next += 1)));
  const single = await rate(insert);
  const grouped = await rate(() => Promise.all(Array.from({ length: 100 }, insert)), 100);
  report('store-100-writers-over-1', grouped, single);
}

/** The peer of each is the same list by a field that has no index. */
async function benchReads({ things }: OpenThings): Promise<void> {
  await things.deleteWhere({});
  await Promise.all(Array.from({ length: 10_000 }, (_, index) => things.insert(draft(index))));
  const by = (where: Record<string, string>) => () => things.find({ where, limit: 100 });
  const scan = await rate(by({ 'free.group': 'g7' }));
  report('store-list-100-of-10000', await rate(by({ group: 'g7' })), scan);
  report('store-find-by-list-element', await rate(by({ labels: 'l77' })), scan);
  const sort = { field: 'rank', order: 'desc' } as const;
  report('store-newest-100', await rate(() => things.find({ sort, limit: 100 })), scan);
  const [thing] = (await things.find({ limit: 1 })).items;
  report('store-get', await rate(() => things.get(thing!.id)), scan);
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

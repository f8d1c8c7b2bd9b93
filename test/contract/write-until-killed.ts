import { openSqliteBackend } from '../../src/store/sqlite/store.ts';
import { openThings, thingSpecs } from '../support/things.ts';

/** Inserts and updates as fast as it can until it is killed, and prints each write that was acknowledged. */
const { things } = await openThings(await openSqliteBackend({ path: process.argv[2]!, specs: thingSpecs }));

async function write(writer: number): Promise<never> {
  const first = await things.insert({ key: `${process.pid}-${writer}`, rank: 0 });
  if (!first.ok) throw new Error('not inserted');
  let counter = first.document;
  for (let index = 0; ; index += 1) {
    const result = await things.insert({ key: `${process.pid}-${writer}-${index}`, labels: ['red', index] });
    if (result.ok) process.stdout.write(`${result.document.id} 1\n`);
    const updated = await things.update({ ...counter, rank: index });
    if (!updated.ok) throw new Error(updated.reason);
    counter = updated.document;
    process.stdout.write(`${counter.id} ${counter.version}\n`);
  }
}

await Promise.all(Array.from({ length: 8 }, (_, writer) => write(writer)));

import { jest } from '@jest/globals';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openSqliteBackend } from '../../src/store/sqlite/store.ts';
import { openThings, thingSpecs } from '../support/things.ts';
import { describeStore } from './store-suite.ts';
import { describeUpgrade } from './store-upgrade-suite.ts';

// Real files and processes on a machine that may be busy.
jest.setTimeout(120_000);

const dir = mkdtempSync(join(tmpdir(), 'rw-store-'));
let count = 0;
afterAll(() => {
  rmSync(dir, { recursive: true });
});

describeStore('SQLite in a file', {
  create: async () => {
    count += 1;
    return openThings(await openSqliteBackend({ path: join(dir, `${count}.db`), specs: thingSpecs }));
  },
});

describeStore('SQLite in memory', {
  create: async () => openThings(await openSqliteBackend({ path: ':memory:', specs: thingSpecs })),
});

describeUpgrade('SQLite', () => {
  count += 1;
  const path = join(dir, `${count}.db`);
  return async (specs, migrations) => openThings(await openSqliteBackend({ path, specs }), { specs, migrations });
});

/**
 * Entry of the process that owns a lab: it is started by `rackwright lab up` and ends with the lab.
 *   node daemon.ts NAME      (options in the lab's directory)
 */
import { readFileSync } from 'node:fs';
import { createLabEvents } from './events.ts';
import { assembleLab } from './lab.ts';
import type { LabOptions } from './options.ts';
import { dismissReaper, removeLab } from './remove.ts';
import { labPaths, readRecord } from './state.ts';

const [name = ''] = process.argv.slice(2);
const paths = labPaths(name);
const now = (): Date => new Date();
const options = JSON.parse(readFileSync(paths.options, 'utf8')) as LabOptions;

let end = async (): Promise<void> => {
  await dismissReaper(readRecord(paths));
  await removeLab(name);
};
let ending: Promise<void> | undefined;
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
  process.on(signal, () => {
    ending ??= end().finally(() => process.exit(0));
  });
}
const lab = await assembleLab(options, { now, events: createLabEvents(now) });
end = lab.down;

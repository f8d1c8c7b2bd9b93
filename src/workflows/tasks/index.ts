import type { Job } from '../job.ts';
import { alertNodeDiscovered } from './alert-node-discovered.ts';
import { discoveryEnd } from './discovery-end.ts';
import { evaluateCondition } from './evaluate-condition.ts';
import { linuxBootstrap } from './linux-bootstrap.ts';
import { linuxCatalog, linuxCommands } from './linux-commands.ts';
import { noop } from './noop.ts';

/** Every job that a base task may name. */
export const jobs: readonly Job[] = [
  alertNodeDiscovered,
  discoveryEnd,
  evaluateCondition,
  linuxBootstrap,
  linuxCatalog,
  linuxCommands,
  noop,
];

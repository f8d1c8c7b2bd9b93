import type { Job } from '../job.ts';
import { alertNodeDiscovered } from './alert-node-discovered.ts';
import { bmcPropose } from './bmc-propose.ts';
import { bmcProve } from './bmc-prove.ts';
import { bmcSet } from './bmc-set.ts';
import { deployChooseDisk, deployFinishDisk, deployWriteImage } from './deploy-disk.ts';
import { deployHome } from './deploy-home.ts';
import { deployPrepare } from './deploy-prepare.ts';
import { discoveryEnd } from './discovery-end.ts';
import { evaluateCondition } from './evaluate-condition.ts';
import { linuxBootstrap } from './linux-bootstrap.ts';
import { linuxCatalog, linuxCommands } from './linux-commands.ts';
import { noop } from './noop.ts';
import { obmNode } from './obm.ts';
import { releaseErase } from './release-erase.ts';

/** Every job that a base task may name. */
export const jobs: readonly Job[] = [
  alertNodeDiscovered,
  bmcPropose,
  bmcProve,
  bmcSet,
  deployChooseDisk,
  deployFinishDisk,
  deployHome,
  deployPrepare,
  deployWriteImage,
  discoveryEnd,
  evaluateCondition,
  linuxBootstrap,
  linuxCatalog,
  linuxCommands,
  noop,
  obmNode,
  releaseErase,
];

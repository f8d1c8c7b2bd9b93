import { claimDataDir } from '../../src/coordination/data-dir.ts';

/** A process that holds a data directory until it is killed; says so when it does. */
claimDataDir(process.argv[2]!);
process.stdout.write('claimed\n');
setInterval(() => undefined, 60_000);

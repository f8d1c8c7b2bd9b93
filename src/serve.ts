import { Command } from 'commander';
import { createApp } from './app.ts';
import { withConfigOptions } from './config-flags.ts';
import type { Config } from './config-schema.ts';
import { createLog } from './log.ts';

/** `rackwright serve`: runs the server until SIGTERM or SIGINT; a second signal ends it at once. */
export function serveCommand(): Command {
  return withConfigOptions(new Command('serve').description('run the server'), ({ config }) => serve(config));
}

async function serve(config: Config): Promise<void> {
  const log = createLog(config.log.level);
  // From here on: what is told to stop while it starts stops in order, too, and leaves no redis-server.
  const stopped = stopSignal();
  const app = await createApp(config, { log, now: () => new Date() });
  await app.start();
  await stopped;
  log.info({ event: 'server.stopping' }, 'stopping: no new work is taken');
  // What hangs would keep the process from ending by itself.
  if (!(await app.stop())) process.exit(1);
}

function stopSignal(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      process.once(signal, () => {
        process.once(signal, () => process.exit(130));
        resolve();
      });
    }
  });
}

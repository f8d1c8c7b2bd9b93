import { writeFile } from 'node:fs/promises';
import { RackwrightError } from '../errors.ts';
import type { LabProcess, SpawnProcess } from './children.ts';
import { askSocket } from './control-client.ts';
import type { LabEventBody } from './events.ts';
import { createQueue } from './queue.ts';
import type { ServerSettings } from './server-config.ts';
import { serverConfig } from './server-config.ts';
import { waitFor } from './wait.ts';
import { lastLines } from './tail.ts';

/** The server under the lab: can be stopped, killed and started again while nodes boot. */
export interface LabServer {
  /** Resolves when /healthz answers. No effect on a server that runs. Throws code `server` with the end of its log. */
  readonly start: () => Promise<void>;
  /** Asks it to end, as `systemctl stop` would. */
  readonly stop: () => Promise<void>;
  /** SIGKILL. */
  readonly kill: () => Promise<void>;
  readonly running: () => boolean;
  readonly pid: () => number | undefined;
}

export interface ServerDeps {
  readonly settings: ServerSettings;
  readonly command: readonly string[];
  readonly spawn: SpawnProcess;
  readonly emit: (event: LabEventBody) => void;
}

/** Milliseconds; a start takes about 1 s on an idle machine. */
const startDeadlineMs = 60_000;
const stopGraceMs = 15_000;

export function createServer(deps: ServerDeps): LabServer {
  const { paths } = deps.settings;
  const queue = createQueue();
  let current: LabProcess | undefined;
  const running = (): boolean => current?.alive() === true;

  const start = async (): Promise<void> => {
    if (running()) return;
    await writeFile(paths.serverConfig, serverConfig(deps.settings), { mode: 0o600 });
    const argv = [...deps.command, paths.serverConfig];
    const server = await deps.spawn({ name: 'server', argv, logFile: paths.serverLog });
    current = server;
    deps.emit({ kind: 'server', text: 'started' });
    void server.exited.then(({ code, signal }) => {
      deps.emit({ kind: 'server', text: 'exited', detail: signal ?? `exit code ${code ?? 'unknown'}` });
    });
    const healthy = async (): Promise<true | undefined> => {
      if (!server.alive()) throw new RackwrightError('server', 'the server ended');
      const probe = { method: 'GET', path: '/healthz', deadlineMs: 2_000 } as const;
      const answer = await askSocket(paths.admin, probe).catch(() => undefined);
      return answer?.status === 200 ? true : undefined;
    };
    try {
      await waitFor('/healthz of the server', healthy, { deadlineMs: startDeadlineMs, stepMs: 100 });
    } catch (error) {
      await server.stop(stopGraceMs);
      const said = await lastLines(paths.serverLog, 20);
      throw new RackwrightError('server', `the server did not start; its log ends:\n${said}`, { cause: error });
    }
    deps.emit({ kind: 'server', text: 'healthy' });
  };

  return {
    start: async () => {
      await queue.push(start);
    },
    stop: async () => {
      await queue.push(async () => {
        await current?.stop(stopGraceMs);
      });
    },
    kill: async () => {
      await current?.stop(0);
    },
    running,
    pid: () => (running() ? current?.id.pid : undefined),
  };
}

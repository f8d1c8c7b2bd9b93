import { spawn } from 'node:child_process';
import { closeSync, openSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { RackwrightError } from '../errors.ts';
import { askSocket, followSocket } from './control-client.ts';
import type { LabEvent } from './events.ts';
import { prepareLab } from './lab.ts';
import type { LabOptions } from './options.ts';
import { endProcess, identify, isAlive } from './process-id.ts';
import type { Removed } from './remove.ts';
import { dismissReaper, removeLab } from './remove.ts';
import { labPaths, readRecord } from './state.ts';
import type { LabStatus } from './status.ts';
import { lastLines } from './tail.ts';
import { waitFor } from './wait.ts';

/** Milliseconds. */
const daemonStartMs = 15_000;
const assembleMs = 120_000;
const downMs = 30_000;

/**
 * Starts a lab in a process of its own and waits until it is ready. Throws code `lab-exists`, or `lab-failed` with the
 * reason; then nothing is left of it.
 */
export async function startLab(options: LabOptions, onEvent: (event: LabEvent) => void): Promise<LabStatus> {
  const paths = labPaths(options.name);
  await prepareLab(options.name);
  writeFileSync(paths.options, JSON.stringify(options), { mode: 0o600 });
  const log = openSync(paths.daemonLog, 'a', 0o600);
  const daemon = fileURLToPath(new URL('./daemon.ts', import.meta.url));
  const child = spawn(process.execPath, [daemon, options.name], {
    detached: true,
    stdio: ['ignore', log, log],
    cwd: '/',
  });
  closeSync(log);
  child.unref();
  const id = child.pid === undefined ? undefined : identify(child.pid);
  if (id === undefined) throw new RackwrightError('lab-failed', 'the process of the lab could not be started');
  const abort = AbortSignal.timeout(assembleMs);
  try {
    await waitFor(
      'the process of the lab',
      async () => {
        if (!isAlive(id)) throw new RackwrightError('lab-failed', await lastLines(paths.daemonLog, 20));
        return await askSocket(paths.control, { method: 'GET', path: '/status', deadlineMs: 2_000 }).catch(
          () => undefined,
        );
      },
      { deadlineMs: daemonStartMs },
    );
    await untilReady(paths.control, abort, onEvent);
  } catch (error) {
    await stopLab(options.name);
    throw error;
  }
  return await labStatus(options.name);
}

/** Follows a lab until it is ready; throws code `lab-failed` where it gives up. */
async function untilReady(
  socketPath: string,
  deadline: AbortSignal,
  onEvent: (event: LabEvent) => void,
): Promise<void> {
  const done = new AbortController();
  let outcome: LabEvent | undefined;
  const signal = AbortSignal.any([deadline, done.signal]);
  await followSocket({ socketPath, path: '/events', signal }, (line) => {
    const event = JSON.parse(line) as LabEvent;
    onEvent(event);
    if (event.kind !== 'ready' && event.kind !== 'failed') return;
    outcome = event;
    done.abort();
  });
  if (outcome?.kind === 'ready') return;
  const reason = outcome?.kind === 'failed' ? outcome.text : 'its process ended, or took too long';
  throw new RackwrightError('lab-failed', reason);
}

/** Asks a running lab. Throws code `no-lab` where none of that name is up. */
export async function labStatus(name: string): Promise<LabStatus> {
  const { text } = await askLab(name, 'GET', '/status');
  return JSON.parse(text) as LabStatus;
}

/** Stops, kills or starts the lab's server. Throws code `no-lab`, or `server` with the reason. */
export async function controlServer(name: string, verb: 'start' | 'stop' | 'kill'): Promise<void> {
  const { status, text } = await askLab(name, 'POST', `/server/${verb}`);
  if (status !== 200) throw new RackwrightError('server', text.trim());
}

async function askLab(name: string, method: 'GET' | 'POST', path: string): Promise<{ status: number; text: string }> {
  const paths = labPaths(name);
  const record = readRecord(paths);
  if (record === undefined || !isAlive(record.owner)) {
    throw new RackwrightError('no-lab', `no lab '${name}' is up: rackwright lab up --name ${name}`);
  }
  return await askSocket(paths.control, { method, path, deadlineMs: 90_000 });
}

/** Removes a lab and every trace of it, whatever state it is in. */
export async function stopLab(name: string): Promise<Removed> {
  const record = readRecord(labPaths(name));
  if (record !== undefined && record.owner.pid !== process.pid) await endProcess(record.owner, downMs);
  await dismissReaper(record);
  const removed = await removeLab(name);
  return { ...removed, directory: removed.directory || record !== undefined };
}

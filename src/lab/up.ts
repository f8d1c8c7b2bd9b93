import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { RackwrightError } from '../errors.ts';
import { startLab } from './attach.ts';
import type { LabEvent } from './events.ts';
import { follow } from './follow.ts';
import { ipmitool } from './ipmitool.ts';
import { listNodes } from './list-nodes.ts';
import type { LabOptions } from './options.ts';
import type { Painter } from './painter.ts';
import type { Progress } from './progress.ts';
import { isSettled, noProgress } from './progress.ts';
import { runOk } from './run.ts';
import { labPaths } from './state.ts';
import type { LabStatus } from './status.ts';
import type { NodeRow } from '../model/nodes-table.ts';

export interface UpDeps {
  readonly painter: Painter<Progress>;
  /** Milliseconds until the nodes must have come to an end. */
  readonly deadlineMs: number;
  /** False: the nodes stay off. */
  readonly powerOn: boolean;
}

export interface UpResult {
  readonly status: LabStatus;
  readonly progress: Progress;
  /** `GET /nodes?type=compute`; empty where the lab runs no server or nothing was powered on. */
  readonly nodes: readonly NodeRow[];
  /** Every node is discovered, or none was powered on. */
  readonly ok: boolean;
}

/**
 * Makes a lab and boots it as an operator would: boot device and power over IPMI, then watching. Throws where the lab
 * cannot be made; nodes that do not get there are a result.
 */
export async function bringUp(options: LabOptions, deps: UpDeps): Promise<UpResult> {
  if (deps.powerOn) await requireMicrokernel(options.microkernelDir);
  const { painter } = deps;
  const status = await startLab(options, (event) => {
    const line = phaseText(event);
    if (line !== undefined) painter.say(line);
  });
  const start = noProgress(status.nodes);
  const { url } = status;
  if (!deps.powerOn || url === undefined) return { status, progress: start, nodes: [], ok: true };
  await powerOnAll(status);
  const progress = await watch(start, { ...deps, url, options });
  const ok = progress.every((node) => node.state === 'discovered');
  return { status, progress, nodes: await listNodes(url), ok };
}

function phaseText(event: LabEvent): string | undefined {
  switch (event.kind) {
    case 'phase':
      return event.text;
    case 'server':
      return `server ${event.text}${event.detail === undefined ? '' : `: ${event.detail}`}`;
    case 'ready':
      return 'virtual servers are in the rack, their BMCs answer (Ctrl-C ends the watching, not the lab)';
    default:
      return undefined;
  }
}

async function requireMicrokernel(dir: string): Promise<void> {
  await access(join(dir, 'vmlinuz')).catch((cause: unknown) => {
    throw new RackwrightError('microkernel', `there is no discovery OS in ${dir}: make microkernel`, { cause });
  });
}

async function powerOnAll(status: LabStatus): Promise<void> {
  await Promise.all(
    status.nodes.map(async ({ bmcAddress }) => {
      await runOk([...status.enter, ...ipmitool(bmcAddress, 'chassis', 'bootdev', 'pxe')], { deadlineMs: 20_000 });
      await runOk([...status.enter, ...ipmitool(bmcAddress, 'chassis', 'power', 'on')], { deadlineMs: 20_000 });
    }),
  );
}

/** Follows the nodes until each has come to an end, or the deadline. */
async function watch(
  start: Progress,
  deps: UpDeps & { readonly url: string; readonly options: LabOptions },
): Promise<Progress> {
  let progress = start;
  const done = new AbortController();
  const signal = AbortSignal.any([done.signal, AbortSignal.timeout(deps.deadlineMs)]);
  const paint = (): void => {
    deps.painter.paint(progress, Date.now());
  };
  const clock = setInterval(paint, 500);
  try {
    await follow(start, {
      url: deps.url,
      control: labPaths(deps.options.name).control,
      signal,
      onChange: (next) => {
        progress = next;
        if (progress.every(isSettled)) done.abort();
      },
    });
  } finally {
    clearInterval(clock);
    paint();
  }
  return progress;
}

import { randomUUID } from 'node:crypto';
import type { Agent } from 'node:http';
import type { Ipv4 } from '../../net/address.ts';
import type { Mac } from '../../net/mac.ts';
import { fetchFrom, type HttpAnswer } from './http-client.ts';

/** What a command leaves behind. */
export interface CommandResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Identity {
  readonly url: string;
  readonly nodeId: string;
  readonly bootId: string;
  readonly secret: string;
}

export interface SimAgentOptions {
  readonly identity: Identity;
  readonly address: Ipv4;
  readonly macs: readonly Mac[];
  readonly uuid: string;
  readonly http: Agent;
  readonly signal: AbortSignal;
  /** Runs one command of an attempt. */
  run(command: string, environment: Readonly<Record<string, string>>): Promise<CommandResult> | CommandResult;
  onStep(step: string): void;
  /** Milliseconds before a request that failed is tried again. */
  readonly retryMs: number;
}

interface Work {
  readonly attempt: string;
  readonly commands: readonly { readonly command: string }[];
  readonly environment: Readonly<Record<string, string>>;
  readonly then?: 'reboot' | 'power-off';
}

/** Answers that mean: later. */
const tryAgain: readonly number[] = [408, 429];

export type AgentEnd = 'reboot' | 'power-off' | 'refused' | 'aborted';

/**
 * The agent of docs/agent-protocol.md as a program: exchange, work, report, until it is told to reboot, refused, or the
 * node loses its power. An attempt is run once a boot; a repeat is answered with what was recorded.
 */
export async function runAgent(options: SimAgentOptions): Promise<AgentEnd> {
  const { identity, signal, macs, uuid } = options;
  const kernelBootId = randomUUID();
  const recorded = new Map<string, readonly CommandResult[]>();
  while (!signal.aborted) {
    const claim = { bootId: identity.bootId, secret: identity.secret, kernelBootId, uuid, macs };
    const exchanged = await ask(options, { path: '/agent/session', json: claim });
    if (exchanged?.status === 403) return 'refused';
    if (exchanged?.status !== 200) {
      await pause(options);
      continue;
    }
    const { session } = JSON.parse(exchanged.body.toString()) as { session: string };
    options.onStep('agent');
    const end = await workLoop(options, session, recorded);
    if (end !== undefined) return end;
  }
  return 'aborted';
}

/** Until the session is void (undefined), or the boot is over. */
async function workLoop(
  options: SimAgentOptions,
  session: string,
  recorded: Map<string, readonly CommandResult[]>,
): Promise<AgentEnd | undefined> {
  while (!options.signal.aborted) {
    const answer = await ask(options, { path: '/agent/work', bearer: session });
    if (answer?.status === 401) return undefined;
    if (answer?.status !== 200) {
      if (answer?.status !== 204) await pause(options);
      continue;
    }
    const work = JSON.parse(answer.body.toString()) as Work;
    const results = recorded.get(work.attempt) ?? (await runCommands(options, work));
    recorded.set(work.attempt, results);
    const delivered = await deliver(options, session, { attempt: work.attempt, results });
    if (delivered === 401) return undefined;
    options.onStep(`done ${work.attempt.split('/')[1] ?? ''}`);
    if (delivered === 204 && work.then !== undefined) return work.then;
  }
  return 'aborted';
}

async function runCommands(options: SimAgentOptions, work: Work): Promise<readonly CommandResult[]> {
  const results: CommandResult[] = [];
  for (const { command } of work.commands) results.push(await options.run(command, work.environment));
  return results;
}

async function deliver(
  options: SimAgentOptions,
  session: string,
  { attempt, results }: { attempt: string; results: readonly CommandResult[] },
): Promise<number> {
  while (!options.signal.aborted) {
    const answer = await ask(options, { path: `/agent/attempts/${attempt}`, bearer: session, json: { results } });
    if (answer && answer.status < 500 && !tryAgain.includes(answer.status)) return answer.status;
    await pause(options);
  }
  return 0;
}

/** One request; undefined where no answer came. */
async function ask(
  { identity, address, signal, http }: SimAgentOptions,
  { path, json, bearer }: { path: string; json?: unknown; bearer?: string },
): Promise<HttpAnswer | undefined> {
  const method = json === undefined ? 'GET' : 'POST';
  try {
    return await fetchFrom({ url: `${identity.url}${path}`, from: address, method, json, bearer, signal, agent: http });
  } catch {
    return undefined;
  }
}

function pause({ retryMs, signal }: SimAgentOptions): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, retryMs);
    signal.addEventListener(
      'abort',
      () => {
        clearTimeout(timer);
        resolve();
      },
      { once: true },
    );
  });
}

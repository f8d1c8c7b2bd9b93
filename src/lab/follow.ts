import { setTimeout as sleep } from 'node:timers/promises';
import { RackwrightError } from '../errors.ts';
import { followSocket } from './control-client.ts';
import type { LabEvent } from './events.ts';
import type { FactView, Progress } from './progress.ts';
import { afterFact, afterLabEvent } from './progress.ts';
import { eventParser } from './server-events.ts';

export interface FollowDeps {
  /** Base URL of the server's admin side. */
  readonly url: string;
  /** Socket of the lab's owner. */
  readonly control: string;
  readonly signal: AbortSignal;
  readonly onChange: (progress: Progress) => void;
}

const reconnectMs = 500;

/**
 * Follows the server's facts and the lab's own events from their beginnings, until the signal says so. A server that
 * goes away is asked again until it is back, from the last fact that was seen. Throws code `no-lab` when the lab ends.
 */
export async function follow(start: Progress, deps: FollowDeps): Promise<void> {
  let progress = start;
  const change = (next: Progress): void => {
    progress = next;
    deps.onChange(progress);
  };
  const end = new AbortController();
  const signal = AbortSignal.any([deps.signal, end.signal]);
  const facts = followFacts({ ...deps, signal }, (fact) => {
    change(afterFact(progress, fact));
  });
  try {
    await followLabEvents(deps, (event) => {
      change(afterLabEvent(progress, event));
    });
  } finally {
    end.abort();
    await facts;
  }
}

async function followLabEvents(deps: FollowDeps, onEvent: (event: LabEvent) => void): Promise<void> {
  const call = { socketPath: deps.control, path: '/events', signal: deps.signal };
  await followSocket(call, (line) => {
    onEvent(JSON.parse(line) as LabEvent);
  });
  if (!deps.signal.aborted) throw new RackwrightError('no-lab', 'the lab ended');
}

/** Follows the server's facts alone, from their beginning, until the signal says so. Never rejects. */
export async function followFacts(
  deps: Pick<FollowDeps, 'url' | 'signal'>,
  onFact: (fact: FactView) => void,
): Promise<void> {
  let from = 'start';
  while (!deps.signal.aborted) {
    const parse = eventParser(({ id, data }) => {
      from = id ?? from;
      onFact(JSON.parse(data) as FactView);
    });
    await readStream(`${deps.url}/events?from=${from}`, deps.signal, parse).catch(() => undefined);
    await sleep(reconnectMs, undefined, { signal: deps.signal }).catch(() => undefined);
  }
}

async function readStream(url: string, signal: AbortSignal, onText: (text: string) => void): Promise<void> {
  const response = await fetch(url, { signal, headers: { accept: 'text/event-stream' } });
  if (!response.ok || response.body === null) return;
  const decoder = new TextDecoder();
  for await (const bytes of response.body as AsyncIterable<Uint8Array>) onText(decoder.decode(bytes, { stream: true }));
}

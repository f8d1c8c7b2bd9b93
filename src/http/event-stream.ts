import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';

/** One server-sent event (HTML Living Standard, section 9.2). */
export interface ServerSentEvent {
  /** What the client sends back as Last-Event-ID when it comes again. No line breaks. */
  readonly id: string;
  /** Name of the event; `message` if absent. No line breaks. */
  readonly event?: string;
  /** Written as JSON. */
  readonly data: unknown;
}

export interface EventStreamOptions {
  /** The events, in batches as they come; what the client has missed first. Its end ends the stream. */
  readonly events: AsyncIterable<readonly ServerSentEvent[]>;
  /** Between comments that keep proxies from closing a quiet stream. Default 15,000. */
  readonly heartbeatMs?: number;
  /** How long a client may leave sent events unread before it is cut. Default 30,000. */
  readonly stallMs?: number;
}

/** Time after which a browser that lost the stream asks again. */
const retryMs = 2_000;

/** Where the client wants to go on: the id of the last event that it saw. Undefined for a new client. */
export function lastEventId(headers: IncomingHttpHeaders): string | undefined {
  const id = headers['last-event-id'];
  return typeof id === 'string' && id !== '' ? id : undefined;
}

/**
 * Sends events until they end or the client goes. A client that does not read is waited for, so that nothing piles up
 * here, and cut after `stallMs`; it can come again and go on after the last event that it saw.
 */
export async function sendEvents(
  request: IncomingMessage,
  response: ServerResponse,
  options: EventStreamOptions,
): Promise<void> {
  // Without no-transform, proxies that compress hold events back.
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache, no-transform' });
  if (request.method === 'HEAD') {
    response.end();
    return;
  }
  response.write(`retry: ${retryMs}\n\n`);
  const heartbeat = setInterval(() => {
    if (!response.writableNeedDrain) response.write(':\n\n');
  }, options.heartbeatMs ?? 15_000);
  try {
    for await (const batch of options.events) {
      if (!(await write(response, batch.map(format).join(''), options.stallMs ?? 30_000))) break;
    }
    response.end();
  } finally {
    clearInterval(heartbeat);
  }
}

/** False if the client is gone, or was cut. */
async function write(response: ServerResponse, text: string, stallMs: number): Promise<boolean> {
  if (response.destroyed) return false;
  if (response.write(text)) return true;
  const going = await drained(response, stallMs);
  if (!going) response.destroy();
  return going;
}

/** Whether the client takes what is buffered within so many milliseconds. */
function drained(response: ServerResponse, milliseconds: number): Promise<boolean> {
  return new Promise((resolve) => {
    const settle = (going: boolean): void => {
      clearTimeout(timer);
      response.off('drain', onDrain).off('close', onClose);
      resolve(going);
    };
    const onDrain = (): void => {
      settle(true);
    };
    const onClose = (): void => {
      settle(false);
    };
    const timer = setTimeout(onClose, milliseconds);
    response.on('drain', onDrain).on('close', onClose);
  });
}

function format({ id, event, data }: ServerSentEvent): string {
  return `id: ${id}\n${event === undefined ? '' : `event: ${event}\n`}data: ${JSON.stringify(data)}\n\n`;
}

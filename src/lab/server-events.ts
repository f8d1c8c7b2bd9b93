/** One server-sent event (HTML Living Standard, section 9.2), as far as a client of ours needs it. */
export interface ReceivedEvent {
  readonly id: string | undefined;
  readonly data: string;
}

/** Longest event taken; a stream that sends more without an end of event is not ours. */
const limit = 1024 * 1024;

/** Calls `onEvent` for each whole event of a stream that comes in pieces. Comments and events without data are dropped. */
export function eventParser(onEvent: (event: ReceivedEvent) => void): (piece: string) => void {
  let rest = '';
  return (piece) => {
    const blocks = (rest + piece).replaceAll('\r\n', '\n').split('\n\n');
    rest = (blocks.pop() ?? '').slice(-limit);
    for (const block of blocks) {
      const event = parseBlock(block);
      if (event.data !== '') onEvent(event);
    }
  };
}

function parseBlock(block: string): ReceivedEvent {
  let id: string | undefined;
  const data: string[] = [];
  for (const line of block.split('\n')) {
    const colon = line.indexOf(':');
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (field === 'id') id = value;
    else if (field === 'data') data.push(value);
  }
  return { id, data: data.join('\n') };
}

import fc from 'fast-check';
import type { ReceivedEvent } from '../../src/lab/server-events.ts';
import { eventParser } from '../../src/lab/server-events.ts';

const parse = (pieces: string[]): ReceivedEvent[] => {
  const events: ReceivedEvent[] = [];
  const feed = eventParser((event) => events.push(event));
  for (const piece of pieces) feed(piece);
  return events;
};

const stream =
  'retry: 2000\n\n: alive\n\nid: 1\ndata: {"a":1}\n\nid: 2\r\nevent: x\r\ndata: one\r\ndata:two\r\n\r\ndata: unfinished';

describe('server-sent events', () => {
  it('reads events, and drops comments, settings and what is not whole', () => {
    expect(parse([stream])).toEqual([
      { id: '1', data: '{"a":1}' },
      { id: '2', data: 'one\ntwo' },
    ]);
  });

  it('reads the same however the stream is cut', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(stream.length), { maxLength: 8 }), (cuts) => {
        const at = [0, ...cuts.toSorted((a, b) => a - b), stream.length];
        expect(parse(at.slice(1).map((end, index) => stream.slice(at[index], end)))).toEqual(parse([stream]));
      }),
    );
  });
});

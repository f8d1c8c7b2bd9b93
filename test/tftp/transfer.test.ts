import fc from 'fast-check';
import { negotiate, defaultTransferLimits } from '../../src/tftp/negotiate.ts';
import { decodePacket } from '../../src/tftp/packet.ts';
import { advance, startTransfer } from '../../src/tftp/transfer.ts';
import type { Step, Transfer, TransferEvent } from '../../src/tftp/transfer.ts';
import { receive, startReceiver } from './receiver.ts';

const limits = defaultTransferLimits;
function content(size: number): Uint8Array {
  const bytes = new Uint8Array(size);
  for (let index = 0; index < size; index++) bytes[index] = index * 31 + (index >> 8);
  return bytes;
}
const ack = (block: number): TransferEvent => ({ kind: 'packet', packet: { op: 'ACK', block } });
const error = (code: number): TransferEvent => ({ kind: 'packet', packet: { op: 'ERROR', code, message: 'no' } });
const timeout: TransferEvent = { kind: 'timeout' };
const sentBlocks = (step: Step) =>
  step.send.map((datagram) => {
    const packet = decodePacket(datagram);
    return packet.op === 'DATA' ? `${packet.block}:${packet.bytes.length}` : packet.op;
  });
const start = (size: number, options: Record<string, string> = {}) =>
  startTransfer(content(size), new Map(Object.entries(options)), limits);
/** Feeds events one after the other; the last step. */
const feed = (step: Step, ...events: TransferEvent[]) =>
  events.reduce((last, event) => advance(last.transfer, event), step);

describe('negotiation', () => {
  test.each<[string, Record<string, string>, Record<string, string>]>([
    ['no options', {}, {}],
    ['a block size as asked', { blksize: '1432' }, { blksize: '1432' }],
    ['a block size that is capped', { blksize: '65464' }, { blksize: '1468' }],
    ['the smallest block size', { blksize: '8' }, { blksize: '8' }],
    ['a block size too small', { blksize: '7' }, {}],
    ['a block size too large', { blksize: '65465' }, {}],
    ['a block size that is no number', { blksize: '1e3' }, {}],
    ['a block size in hexadecimal', { blksize: '0x200' }, {}],
    ['an empty block size', { blksize: '' }, {}],
    ['a negative block size', { blksize: '-512' }, {}],
    ['the size of the file', { tsize: '0' }, { tsize: '1000' }],
    ['a size that the client believes', { tsize: '77' }, { tsize: '1000' }],
    ['a timeout', { timeout: '3' }, { timeout: '3' }],
    ['a timeout of 0', { timeout: '0' }, {}],
    ['a timeout so long that a dead client would block', { timeout: '255' }, {}],
    ['a window', { windowsize: '4' }, { windowsize: '4' }],
    ['a window that is capped', { windowsize: '65535' }, { windowsize: '64' }],
    ['a window of 0', { windowsize: '0' }, {}],
    ['an unknown option', { multicast: '' }, {}],
    ['the name of something else', { constructor: '1', toString: '1' }, {}],
    ['a number beyond all numbers', { tsize: '9'.repeat(400) }, {}],
    [
      'the good ones among bad ones',
      { blksize: 'x', tsize: '0', foo: '1', windowsize: '2' },
      { tsize: '1000', windowsize: '2' },
    ],
  ])('%s', (_name, options, granted) => {
    expect(Object.fromEntries(negotiate(new Map(Object.entries(options)), 1000, limits).granted)).toEqual(granted);
  });
});

test('an empty file is sent without its size', () => {
  expect(negotiate(new Map([['tsize', '0']]), 0, limits).granted.size).toBe(0);
});

describe('in lockstep', () => {
  test.each([
    [0, ['1:0']],
    [1, ['1:1']],
    [511, ['1:511']],
    [512, ['1:512', '2:0']],
    [513, ['1:512', '2:1']],
    [1023, ['1:512', '2:511']],
    [1024, ['1:512', '2:512', '3:0']],
  ])('a file of %d bytes goes as %j', (size, blocks) => {
    const seen: string[] = [];
    let step = start(size);
    for (let block = 1; step.done === undefined; block++) {
      seen.push(...sentBlocks(step));
      step = feed(step, ack(block));
    }
    expect(seen).toEqual(blocks);
    expect(step.done).toEqual({ kind: 'complete' });
  });

  test('options are offered first, and the first block waits for their acknowledgement', () => {
    const offered = start(10, { tsize: '0' });
    expect(sentBlocks(offered)).toEqual(['OACK']);
    expect(sentBlocks(feed(offered, ack(1)))).toEqual([]);
    expect(sentBlocks(feed(offered, ack(0)))).toEqual(['1:10']);
    expect(sentBlocks(feed(offered, ack(0), ack(0)))).toEqual([]);
  });

  test('a duplicate acknowledgement is never answered (Sorcerer’s Apprentice)', () => {
    const second = feed(start(5000), ack(1));
    expect(sentBlocks(second)).toEqual(['2:512']);
    expect(sentBlocks(feed(second, ack(1)))).toEqual([]);
    expect(sentBlocks(feed(second, ack(1), ack(1), ack(2)))).toEqual(['3:512']);
  });

  test.each([0, 2, 3, 100, 65535])('an acknowledgement of block %d, which was not sent, changes nothing', (block) => {
    const step = start(5000);
    expect(feed(step, ack(block))).toEqual({ transfer: step.transfer, send: [] });
  });

  test('packets that mean nothing here change nothing', () => {
    const step = start(5000);
    for (const packet of [
      { op: 'DATA', block: 1, bytes: content(4) },
      { op: 'OACK', options: new Map() },
      { op: 'RRQ', file: 'f', mode: 'octet', options: new Map() },
    ] as const) {
      expect(feed(step, { kind: 'packet', packet })).toEqual({ transfer: step.transfer, send: [] });
    }
  });
});

describe('windows', () => {
  const window = feed(start(5000, { windowsize: '4' }), ack(0));

  test('a window is sent at once, and the next after its last block', () => {
    expect(sentBlocks(window)).toEqual(['1:512', '2:512', '3:512', '4:512']);
    expect(sentBlocks(feed(window, ack(4)))).toEqual(['5:512', '6:512', '7:512', '8:512']);
    expect(sentBlocks(feed(window, ack(4), ack(8)))).toEqual(['9:512', '10:392']);
    expect(feed(window, ack(4), ack(8), ack(10)).done).toEqual({ kind: 'complete' });
  });

  test('after a gap it goes on behind what arrived', () => {
    expect(sentBlocks(feed(window, ack(2)))).toEqual(['3:512', '4:512', '5:512', '6:512']);
  });

  test('an old acknowledgement that comes late changes nothing', () => {
    expect(sentBlocks(feed(window, ack(4), ack(2)))).toEqual([]);
  });
});

describe('block numbers wrap to 0', () => {
  test.each([
    ['lockstep', {}, 512],
    ['blocks of 8 bytes in windows of 16', { blksize: '8', windowsize: '16' }, 8],
  ])('%s: the file arrives whole', (_name, options: Record<string, string>, blockSize) => {
    const file = content(blockSize * 65_540 + 3);
    let step = startTransfer(file, new Map(Object.entries(options)), limits);
    let receiver = startReceiver();
    const blocks = new Set<number>();
    while (step.done === undefined) {
      const answers: TransferEvent[] = [];
      for (const datagram of step.send) {
        const packet = decodePacket(datagram);
        if (packet.op === 'DATA') blocks.add(packet.block);
        const received = receive(receiver, packet);
        receiver = received.receiver;
        if (received.reply) answers.push({ kind: 'packet', packet: received.reply });
      }
      step = feed(step, ...answers);
    }
    expect(step.done).toEqual({ kind: 'complete' });
    expect(blocks.has(0)).toBe(true);
    expect(Buffer.compare(Buffer.concat(receiver.chunks), file)).toBe(0);
  });
});

describe('silence', () => {
  const waits = (step: Step) => {
    const all: unknown[] = [];
    for (let next = step; next.done === undefined; next = advance(next.transfer, timeout)) all.push(next.waitMs);
    return all;
  };

  test('the wait doubles up to eight times, then the client is given up', () => {
    expect(waits(start(5000))).toEqual([1000, 2000, 4000, 8000, 8000, 8000]);
  });

  test('a wait that the client chose stays', () => {
    expect(waits(start(5000, { timeout: '2' }))).toEqual([2000, 2000, 2000, 2000, 2000, 2000]);
  });

  test('what was not acknowledged is sent again, all of the window', () => {
    expect(sentBlocks(feed(start(5000, { tsize: '0' }), timeout))).toEqual(['OACK']);
    expect(sentBlocks(feed(start(5000, { windowsize: '3' }), ack(0), ack(2), timeout))).toEqual([
      '3:512',
      '4:512',
      '5:512',
    ]);
  });

  test('an acknowledgement starts the count anew', () => {
    const step = feed(start(5000), timeout, timeout, ack(1));
    expect([step.waitMs, step.transfer.repeats]).toEqual([1000, 0]);
  });

  const giveUp = (step: Step): Step['done'] => {
    let next = step;
    while (next.done === undefined) next = advance(next.transfer, timeout);
    return next.done;
  };
  test.each<[string, Step, string]>([
    ['nothing was ever heard', start(5000), 'silent'],
    ['nothing was ever heard of a file of one block', start(5), 'silent'],
    ['the OACK was not answered', start(5, { tsize: '0' }), 'silent'],
    ['it fell silent in the middle', feed(start(5000), ack(1), ack(2)), 'silent'],
    ['only the last acknowledgement is missing', feed(start(1000), ack(1)), 'unconfirmed'],
    ['only the last acknowledgement is missing, after an OACK', feed(start(5, { tsize: '0' }), ack(0)), 'unconfirmed'],
  ])('%s', (_name, step, kind) => {
    expect(giveUp(step)).toEqual({ kind });
  });
});

describe('errors of the client', () => {
  test.each<[string, Step, object]>([
    ['at the OACK it wanted the size only', start(5000, { tsize: '0', blksize: '1468' }), { kind: 'probe' }],
    [
      'at an OACK without the size it refused the options',
      start(5000, { blksize: '1468' }),
      { kind: 'aborted', code: 8, message: 'no' },
    ],
    [
      'in the middle it gave up',
      feed(start(5000, { tsize: '0' }), ack(0)),
      { kind: 'aborted', code: 8, message: 'no' },
    ],
  ])('%s', (_name, step, done) => {
    expect(feed(step, error(8)).done).toEqual(done);
  });
});

/** A network that loses, doubles and reorders datagrams both ways, by a list of choices. */
function simulate(
  file: Uint8Array,
  options: Map<string, string>,
  fates: readonly number[],
): { step: Step; received: Uint8Array; packets: number } {
  let step = startTransfer(file, options, { ...limits, repeats: 8 });
  let receiver = startReceiver();
  let packets = 0;
  const wire: (Uint8Array | TransferEvent)[] = [];
  const put = (item: Uint8Array | TransferEvent) => {
    const fate = fates[packets++ % fates.length]!;
    if (fate % 8 === 0) return;
    if (fate % 8 === 1) wire.push(item, item);
    else if (fate % 8 === 2) wire.splice(fate % (wire.length + 1), 0, item);
    else wire.push(item);
  };
  step.send.forEach(put);
  while (step.done === undefined && packets < 100_000) {
    const item = wire.shift() ?? timeout;
    if (item instanceof Uint8Array) {
      const result = receive(receiver, decodePacket(item));
      receiver = result.receiver;
      if (result.reply) put({ kind: 'packet', packet: result.reply });
    } else {
      step = advance(step.transfer, item);
      step.send.forEach(put);
    }
  }
  return { step, received: Buffer.concat(receiver.chunks), packets };
}

test('over a bad network a transfer ends with the same bytes, or says that it failed', () => {
  const option = fc.record(
    { blksize: fc.constantFrom('8', '16', '100'), windowsize: fc.constantFrom('1', '2', '7'), tsize: fc.constant('0') },
    { requiredKeys: ['blksize'] },
  );
  fc.assert(
    fc.property(
      fc.nat(1200),
      option,
      fc.array(fc.nat(1000), { minLength: 1, maxLength: 60 }),
      (size, options, fates) => {
        const file = content(size);
        const { step, received, packets } = simulate(
          file,
          new Map(Object.entries(options) as [string, string][]),
          fates,
        );
        expect(['complete', 'unconfirmed', 'silent']).toContain(step.done?.kind);
        if (step.done?.kind === 'complete') expect(received).toEqual(Buffer.from(file));
        else expect(Buffer.compare(received, file.subarray(0, received.length))).toBe(0);
        expect(packets).toBeLessThan(100_000);
      },
    ),
    { numRuns: 300 },
  );
});

test('any datagrams of a client leave a transfer that never sends more than a window for each', () => {
  const packet = fc.oneof(
    fc.record({ op: fc.constant('ACK' as const), block: fc.integer({ min: 0, max: 20 }) }),
    fc.record({ op: fc.constant('ACK' as const), block: fc.integer({ min: 0, max: 65535 }) }),
    fc.record({ op: fc.constant('DATA' as const), block: fc.nat(9), bytes: fc.uint8Array() }),
  );
  fc.assert(
    fc.property(fc.array(fc.option(packet)), (packets) => {
      let transfer: Transfer = start(5000, { blksize: '64', windowsize: '4' }).transfer;
      for (const one of packets) {
        const step = advance(transfer, one === null ? timeout : { kind: 'packet', packet: one });
        expect(step.send.length).toBeLessThanOrEqual(4);
        expect(step.transfer.acknowledged).toBeGreaterThanOrEqual(transfer.acknowledged);
        if (step.done) return;
        ({ transfer } = step);
      }
    }),
  );
});

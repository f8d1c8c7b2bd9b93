import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { once } from 'node:events';
import { request, type IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createFileSenders, type FileSenders, type FileSendersOptions } from '../../src/http/file-senders.ts';
import { createSendFile, type FileOutcome } from '../../src/http/files.ts';
import { createListener, type Listener, type ListenerLimits } from '../../src/http/listener.ts';
import { waitFor } from '../../src/lab/wait.ts';
import { createLog } from '../../src/log.ts';
import { ask } from '../support/http.ts';
import { childrenOf } from '../support/processes.ts';

/** Listener and senders together, where a sender or a client does not do what it should. */

const log = createLog('silent');
const large = 64 << 20;
let root: string;
let outcomes: Promise<FileOutcome>[];
let taken: number;
let senders: FileSenders;
let listener: Listener;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'rw-senders-'));
  await writeFile(join(root, 'large'), Buffer.alloc(large, 7));
});
afterAll(() => rm(root, { recursive: true }));
beforeEach(() => {
  [outcomes, taken] = [[], 0];
});
afterEach(async () => {
  await senders.stop();
  await listener.stop();
});

async function serve(limits: ListenerLimits = {}, options: Partial<FileSendersOptions> = {}): Promise<void> {
  senders = createFileSenders({ processes: 1, log, ...options });
  const take: FileSenders['take'] = (response, body) => {
    const sent = senders.take(response, body);
    if (sent !== undefined) taken++;
    return sent;
  };
  const sendFile = createSendFile({ senders: { take }, log });
  listener = createListener({
    name: 'test',
    addresses: [{ address: '127.0.0.1', port: 0 }],
    log,
    limits,
    handler: (asked, response) => {
      if (asked.url === '/slow') {
        slow.resolve(() => response.end('late'));
      } else outcomes.push(sendFile(asked, response, 'large', { root }));
    },
  });
  await listener.start();
  senders.start();
}
let slow = Promise.withResolvers<() => void>();

/** Asks until a sender has it; resolves with the answer, of which nothing was read. */
function begin(): Promise<IncomingMessage> {
  return waitFor(
    'a sender',
    async () => {
      const before = taken;
      const asking = request(listener.urls()[0]!, { agent: false }).end();
      asking.on('error', () => undefined);
      const [answer] = (await once(asking, 'response')) as [IncomingMessage];
      answer.on('error', () => undefined);
      if (taken > before) return answer;
      answer.destroy();
      return undefined;
    },
    { deadlineMs: 20_000 },
  );
}

/** How many bytes come until the end, and whether it is the right one. */
async function readAll(answer: IncomingMessage): Promise<{ bytes: number; whole: boolean }> {
  let bytes = 0;
  answer.on('data', (chunk: Buffer) => (bytes += chunk.length));
  if (!answer.closed) await new Promise((resolve) => answer.once('close', resolve));
  return { bytes, whole: answer.complete };
}

test('a sender that is killed costs what it sends, and nothing after', async () => {
  await serve();
  const answer = await begin();
  const sender = childrenOf(process.pid).find(({ command }) => command.includes('sends files'));
  process.kill(sender!.pid, 'SIGKILL');
  expect(await readAll(answer)).toMatchObject({ whole: false });
  expect(await outcomes.at(-1)).toMatchObject({ status: 200, complete: false });
  const inTheMeantime = taken;
  expect((await ask(listener.urls()[0]!)).text).toHaveLength(large);
  expect(taken).toBe(inTheMeantime);
  expect(await readAll(await begin())).toEqual({ bytes: large, whole: true });
});

test('a sender that ends at once leaves the sending to this process', async () => {
  const program = join(root, 'broken.mjs');
  await writeFile(program, 'process.exit(3);');
  await serve({}, { program });
  expect((await ask(listener.urls()[0]!)).text).toHaveLength(large);
  expect(taken).toBe(0);
});

test('a client that does not read is cut, and its place in the sender is free', async () => {
  await serve({ idleMs: 1_500 });
  const answer = await begin();
  expect(await outcomes.at(-1)).toMatchObject({ complete: false });
  expect(await readAll(answer)).toMatchObject({ whole: false });
});

test('what passes this process by counts as a sign of life', async () => {
  const program = join(root, 'slow.mjs');
  await writeFile(
    program,
    `let bytes = 0, id;
     const tell = (message) => process.send(message);
     tell({ kind: 'progress', sent: [] });
     process.on('disconnect', () => process.exit());
     process.on('message', (message, connection) => {
       if (message.kind !== 'send') return;
       const timer = setInterval(() => {
         bytes += 1;
         if (bytes < 40) tell({ kind: 'progress', sent: [[message.id, bytes]] });
         else { clearInterval(timer); connection.destroy(); tell({ kind: 'ended', id: message.id, bytes: message.end }); }
       }, 100);
     });`,
  );
  await serve({ idleMs: 2_000 }, { program });
  const answer = await begin();
  answer.resume();
  expect(await outcomes.at(-1)).toMatchObject({ bytes: large, complete: true });
});

describe('drain', () => {
  test('waits for what a sender sends', async () => {
    await serve();
    const answer = await begin();
    const drained = listener.drain();
    expect(await readAll(answer)).toEqual({ bytes: large, whole: true });
    await drained;
    expect(await outcomes.at(-1)).toMatchObject({ complete: true });
  });

  test('waits for what is under way here, when the senders have nothing more', async () => {
    slow = Promise.withResolvers();
    await serve();
    await readAll(await begin());
    const late = ask(`${listener.urls()[0]!}/slow`);
    const finish = await slow.promise;
    let over = false;
    const drained = listener.drain().then(() => (over = true));
    await severalTurns();
    expect(over).toBe(false);
    finish();
    expect((await late).text).toBe('late');
    await drained;
  });

  test('has an end: what is still being sent then breaks off', async () => {
    await serve({ drainMs: 100 });
    const answer = await begin();
    await listener.drain();
    await senders.stop();
    expect(await readAll(answer)).toMatchObject({ whole: false });
    expect(await outcomes.at(-1)).toMatchObject({ complete: false });
  });
});

/** Long enough for several messages to a sender and back. */
async function severalTurns(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setTimeout(resolve, 10));
}

import { mkdirSync, truncateSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { request, type IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { waitFor } from '../../src/lab/wait.ts';
import { ask } from '../support/http.ts';
import { childrenOf } from '../support/processes.ts';
import { openServerPlace, type ServerPlace } from '../support/server.ts';
import type { Started } from '../support/started.ts';

/** The whole server, whose files leave from a process of its own. */

const number = 64;
const network = `127.${30 + number}`;
const node = `${network}.1.7`;
const url = `http://${network}.0.1:${21_001 + number * 10}/files/microkernel/image`;
/** More than the buffers of a connection hold, and less than a drain has time for on a busy machine. */
const size = 32 << 20;

let place: ServerPlace;
let server: Started;

beforeEach(async () => {
  place = openServerPlace(number, { roles: ['southbound', 'api'], log: { level: 'warn' } });
  const microkernel = join(place.directory, 'microkernel');
  mkdirSync(microkernel);
  writeFileSync(join(microkernel, 'image'), '');
  truncateSync(join(microkernel, 'image'), size);
  server = place.serve('--microkernel-dir', microkernel);
  await place.healthy(server);
}, 60_000);
afterEach(() => place.close());

const senders = () => childrenOf(server.process.pid!).filter(({ command }) => command.includes('sends files'));

/** Asks for the image and reads nothing of it yet. A sender has it: the server's own answers keep their connection. */
function begin(): Promise<IncomingMessage> {
  return waitFor(
    'a sender',
    async () => {
      const asking = request(url, { agent: false, headers: { connection: 'keep-alive' }, localAddress: node }).end();
      const [answer] = (await once(asking, 'response')) as [IncomingMessage];
      asking.on('error', () => undefined);
      answer.on('error', () => undefined);
      if (answer.headers.connection === 'close') return answer;
      answer.destroy();
      return undefined;
    },
    { deadlineMs: 20_000 },
  );
}

async function bytesOf(answer: IncomingMessage): Promise<number> {
  let bytes = 0;
  answer.on('data', (chunk: Buffer) => (bytes += chunk.length));
  if (!answer.closed) await new Promise((resolve) => answer.once('close', resolve));
  return bytes;
}

/** Texts of the facts about files, until one matches. */
async function told(pattern: RegExp): Promise<string> {
  const gone = new AbortController();
  const kinds = 'kind=boot.file&kind=boot.file-failed';
  const stream = await fetch(`${place.url}/events?from=start&${kinds}`, { signal: gone.signal });
  let text = '';
  for await (const chunk of stream.body!.pipeThrough(new TextDecoderStream())) {
    text += chunk;
    if (!pattern.test(text)) continue;
    gone.abort();
    return text;
  }
  throw new Error(`no fact says ${String(pattern)}:\n${text}`);
}

test('a sender killed in the middle costs that transfer: the next is answered, and both are told', async () => {
  const answer = await begin();
  process.kill(senders()[0]!.pid, 'SIGKILL');
  expect(await bytesOf(answer)).toBeLessThan(size);
  expect((await ask(url, { localAddress: node, headers: { range: 'bytes=0-9' } })).text).toHaveLength(10);
  expect(await bytesOf(await begin())).toBe(size);
  const facts = await told(new RegExp(`image was fetched over HTTP, ${size} bytes`));
  expect(facts).toMatch(/microkernel\/image broke off after \d+ bytes/);
  expect((await fetch(`${place.url}/healthz`)).status).toBe(200);
}, 60_000);

test('a server that is told to end lets a transfer end first, and leaves no process', async () => {
  const answer = await begin();
  const all = senders().map(({ pid }) => pid);
  // As Ctrl-C does: the senders get it too.
  for (const pid of [server.process.pid!, ...all]) process.kill(pid, 'SIGINT');
  expect(await bytesOf(answer)).toBe(size);
  expect(await server.ended).toEqual({ code: 0, signal: null });
  for (const pid of all) expect(() => process.kill(pid, 0)).toThrow('ESRCH');
}, 60_000);

test('a server that is killed takes its senders along', async () => {
  const answer = await begin();
  const all = senders().map(({ pid }) => pid);
  process.kill(server.process.pid!, 'SIGKILL');
  expect(await bytesOf(answer)).toBeLessThan(size);
  const gone = (): true | undefined => {
    try {
      for (const pid of all) process.kill(pid, 0);
      return undefined;
    } catch {
      return true;
    }
  };
  await waitFor('the end of the senders', gone, { deadlineMs: 20_000 });
}, 60_000);

import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { waitFor } from '../../src/lab/wait.ts';
import type { Fact } from '../../src/model/fact.ts';
import { ask } from '../support/http.ts';
import { requireProgram } from '../support/netns.ts';
import { openServerPlace, type ServerPlace } from '../support/server.ts';
import { watch, type Started } from '../support/started.ts';

/** The server behind Debian's nginx, with the configuration of docs/how-to/nginx.md. */

const number = 62;
const network = `127.${30 + number}`;
const node = `${network}.1.7`;
const other = `${network}.1.8`;
const url = `http://${network}.0.1:${21_001 + number * 10}`;
const kernel = Array.from({ length: 500_000 }, (_, index) => `${index}\n`).join('');

let place: ServerPlace;
let nginx: Started | undefined;
let socket: string;

beforeAll(async () => {
  requireProgram('nginx', 'nginx-light');
  place = openServerPlace(number, {
    roles: ['southbound', 'api'],
    southbound: { proxySocket: '/set/below' },
    log: { level: 'warn' },
  });
  socket = join(place.directory, 'southbound.sock');
  const microkernel = join(place.directory, 'microkernel');
  mkdirSync(microkernel);
  writeFileSync(join(microkernel, 'vmlinuz'), kernel);
  writeFileSync(join(microkernel, 'a#b?c%20 d'), 'odd name');
  await place.healthy(place.serve('--southbound-proxy-socket', socket, '--microkernel-dir', microkernel));
  const started = startNginx();
  nginx = started;
  const answers = () => ask(`${url}/`, { localAddress: node }).catch(() => undefined);
  await waitFor('nginx', answers, { deadlineMs: 20_000 }).catch((error: unknown) => {
    throw new Error(started.output(), { cause: error });
  });
}, 60_000);
afterAll(async () => {
  await nginx?.stop();
  await place.close();
});

function startNginx(): Started {
  const page = readFileSync(join(import.meta.dirname, '../../docs/how-to/nginx.md'), 'utf8');
  const documented = /```nginx\n(.*?)```/s.exec(page)?.[1] ?? '';
  const puts: readonly (readonly [string, string])[] = [
    ['user rackwright;', process.getuid?.() === 0 ? 'user root;' : ''],
    ['/run/nginx.pid', join(place.directory, 'nginx.pid')],
    ['/var/log/nginx/error.log', 'stderr'],
    ['/var/log/nginx/access.log', join(place.directory, 'access.log')],
    ['/run/rackwright/southbound.sock', socket],
    ['172.31.128.1:9080', url.slice('http://'.length)],
  ];
  const configuration = puts.reduce((text, [from, to]) => {
    if (!text.includes(from)) throw new Error(`docs/how-to/nginx.md no longer has '${from}'`);
    return text.replaceAll(from, to);
  }, documented);
  const file = join(place.directory, 'nginx.conf');
  writeFileSync(file, configuration);
  const command = ['-c', file, '-p', place.directory, '-g', 'daemon off;', '-e', 'stderr'];
  return watch(spawn('nginx', command, { stdio: ['ignore', 'pipe', 'pipe'] }));
}

const get = (path: string, headers: Record<string, string> = {}, from = node) =>
  ask(`${url}${path}`, { headers, localAddress: from });

/** The facts about a path, once there are so many. */
async function factsAbout(path: string, count: number, from = place): Promise<Fact[]> {
  const gone = new AbortController();
  const kinds = 'kind=boot.file&kind=boot.file-failed';
  const stream = await fetch(`${from.url}/events?from=start&${kinds}`, { signal: gone.signal });
  let text = '';
  for await (const chunk of stream.body!.pipeThrough(new TextDecoderStream())) {
    text += chunk;
    const facts = [...text.matchAll(/^data: ?(.*)\n/gm)].map(([, json = '']) => JSON.parse(json) as Fact);
    const about = facts.filter(({ data }) => data.path === path);
    if (about.length >= count) {
      gone.abort();
      return about;
    }
  }
  throw new Error(`no ${count} facts about ${path}:\n${text}`);
}

test('a file comes from nginx, and the fact says who has it', async () => {
  const answer = await get('/files/microkernel/vmlinuz');
  expect([answer.status, answer.headers.server]).toEqual([200, expect.stringContaining('nginx')]);
  expect(answer.text).toBe(kernel);
  expect(answer.headers['x-accel-redirect']).toBeUndefined();
  const [fact] = await factsAbout('microkernel/vmlinuz', 1);
  expect(fact).toMatchObject({
    kind: 'boot.file',
    address: node,
    text: 'microkernel/vmlinuz was handed to the proxy in front; how many bytes it sent, only its own log says',
    data: { proxied: true },
  });
  expect(fact!.data).not.toHaveProperty('bytes');
});

test('ranges, conditions and HEAD', async () => {
  const range = await get('/files/microkernel/vmlinuz', { range: 'bytes=2-9' });
  expect([range.status, range.text]).toEqual([206, kernel.slice(2, 10)]);
  const beyond = await get('/files/microkernel/vmlinuz', { range: `bytes=${kernel.length}-` });
  expect([beyond.status, beyond.headers['content-range']]).toEqual([416, `bytes */${kernel.length}`]);
  const again = await get('/files/microkernel/vmlinuz', { 'if-none-match': range.headers.etag! });
  expect([again.status, again.text]).toEqual([304, '']);
  const head = await ask(`${url}/files/microkernel/vmlinuz`, { method: 'HEAD', localAddress: node });
  expect([head.status, head.headers['content-length'], head.text]).toEqual([200, String(kernel.length), '']);
});

test('odd names get through', async () => {
  expect((await get('/files/microkernel/a%23b%3Fc%2520%20d')).text).toBe('odd name');
});

test('what is not there is answered, and told, by us', async () => {
  const answer = await get('/files/microkernel/none');
  expect([answer.status, answer.json]).toMatchObject([404, { detail: 'there is no file microkernel/none' }]);
  expect(await factsAbout('microkernel/none', 1)).toMatchObject([{ kind: 'boot.file-failed', address: node }]);
});

test.each(['/_rackwright/etc/passwd', '/_rackwright/', '/files/..%2f_rackwright/etc/passwd'])(
  'the file system is for us alone: %s',
  async (path) => {
    expect((await get(path)).status).toBe(404);
  },
);

test('who is not of the boot network is refused', async () => {
  const answer = await get('/files/microkernel/vmlinuz', {}, '127.0.0.1');
  expect([answer.status, answer.json]).toMatchObject([403, { detail: 'this listener is not for 127.0.0.1' }]);
});

test.each(['x-forwarded-for', 'x-real-ip', 'forwarded'])(
  'what a client claims in %s counts for nothing',
  async (name) => {
    const claim = name === 'forwarded' ? `for=${other}` : other;
    expect((await get(`/files/microkernel/of-${name}`, { [name]: claim })).status).toBe(404);
    expect(await factsAbout(`microkernel/of-${name}`, 1)).toMatchObject([{ address: node }]);
    expect((await get('/files/microkernel/vmlinuz', { [name]: claim }, '127.0.0.1')).status).toBe(403);
  },
);

describe('the socket', () => {
  test('is for our user alone', () => {
    expect(statSync(socket).mode & 0o777).toBe(0o600);
  });

  test('takes no request without a peer', async () => {
    const answer = await ask('http://localhost/files/microkernel/vmlinuz', { socketPath: socket });
    expect([answer.status, answer.json]).toMatchObject([403, { detail: 'the proxy named no peer in X-Forwarded-For' }]);
  });

  test('is instead of the port: nothing goes round nginx', () => {
    const port = (21_001 + number * 10).toString(16).toUpperCase();
    const listening = readFileSync('/proc/net/tcp', 'utf8').match(/:[0-9A-F]{4} 00000000:0000 0A/g) ?? [];
    expect(listening.filter((line) => line.startsWith(`:${port} `))).toHaveLength(1);
  });
});

describe('without the setting', () => {
  test('a forged address is not believed on the port', async () => {
    const plain = openServerPlace(number + 1, { roles: ['southbound', 'api'], log: { level: 'warn' } });
    try {
      await plain.healthy(plain.serve());
      const base = `127.${31 + number}`;
      const path = `http://${base}.0.1:${21_001 + (number + 1) * 10}/files/microkernel/none`;
      const headers = { 'x-forwarded-for': `${base}.1.7`, 'x-real-ip': `${base}.1.7` };
      await expect(ask(path, { headers, localAddress: '127.0.0.1' })).rejects.toThrow(/hang up|ECONNRESET/);
      expect((await ask(path, { headers, localAddress: `${base}.1.9` })).status).toBe(404);
      expect(await factsAbout('microkernel/none', 1, plain)).toMatchObject([{ address: `${base}.1.9` }]);
    } finally {
      await plain.close();
    }
  }, 60_000);
});

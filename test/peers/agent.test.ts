import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { jest } from '@jest/globals';

import { workScript, type WireWork } from '../../src/southbound/wire-work.ts';
import { createFakeSouthbound, isSession, isWork, type FakeSouthbound } from '../microkernel/fake-southbound.ts';

jest.setTimeout(60_000);
const agentScript = path.resolve('microkernel/agent.sh');
const kernelBootId = '6f1c35a2-93ee-4ef5-a5c9-9b1b4c1b0d11';

/** The real agent, run by the machine's dash with its curl and jq, against a server in this test. */
describe('the agent', () => {
  let home: string;
  let southbound: FakeSouthbound;
  let agents: ChildProcess[];
  let output: string;

  const write = (name: string, text: string) => {
    mkdirSync(path.dirname(path.join(home, name)), { recursive: true });
    writeFileSync(path.join(home, name), text);
  };

  const startAgent = (extra: Record<string, string> = {}) => {
    const agent = spawn('dash', [agentScript], {
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        PATH: `${home}/bin:${process.env.PATH ?? ''}`,
        RACKWRIGHT_IDENTITY: `${home}/identity.json`,
        RACKWRIGHT_STATE: `${home}/state`,
        RACKWRIGHT_SYS: `${home}/sys`,
        RACKWRIGHT_PROC: `${home}/proc`,
        RACKWRIGHT_DELAY_LIMIT: '1',
        ...extra,
      },
    });
    agent.stdout.on('data', (text: Buffer) => (output += text.toString()));
    agent.stderr.on('data', (text: Buffer) => (output += text.toString()));
    agents.push(agent);
    return agent;
  };
  const ended = (agent: ChildProcess) =>
    new Promise<number | null>((resolve) => {
      if (agent.exitCode === null) agent.once('exit', resolve);
      else resolve(agent.exitCode);
    });
  const killAgent = async (agent: ChildProcess) => {
    if (agent.exitCode !== null || agent.signalCode !== null || agent.pid === undefined) return;
    const end = ended(agent);
    process.kill(-agent.pid, 'SIGKILL');
    await end;
  };

  beforeAll(() => {
    for (const program of ['dash', 'curl', 'jq']) {
      if (spawnSync('which', [program]).status !== 0) throw new Error(`no ${program}: apt-get install ${program}`);
    }
  });
  beforeEach(async () => {
    home = mkdtempSync(path.join(tmpdir(), 'rwt-agent-'));
    agents = [];
    output = '';
    southbound = createFakeSouthbound();
    await southbound.start();
    write(
      'identity.json',
      JSON.stringify({ url: southbound.url(), nodeId: 'node-1', bootId: 'boot-1', secret: 's3cret' }),
    );
    write('proc/sys/kernel/random/boot_id', `${kernelBootId}\n`);
    write('proc/uptime', '12.50 3.00\n');
    write('sys/class/dmi/id/product_uuid', '4C414230-0000-4000-8000-000000000001\n');
    write('sys/class/net/eth0/address', '52:54:00:77:01:00\n');
    write('sys/class/net/eth0/device/vendor', '0x8086\n');
    write('sys/class/net/lo/address', '00:00:00:00:00:00\n');
    for (const program of ['reboot', 'poweroff']) {
      write(`bin/${program}`, `#!/bin/sh\necho "${program} $*" >>"${home}/ended"\n`);
      chmodSync(path.join(home, 'bin', program), 0o755);
    }
  });
  afterEach(async () => {
    await Promise.all(agents.map(killAgent));
    await southbound.kill();
    rmSync(home, { recursive: true, force: true });
  });

  const work = (attempt: string, commands: string[], more: Partial<WireWork> = {}) => ({
    attempt,
    commands: commands.map((command) => ({ command })),
    ...more,
  });

  test('exchanges its identity, works and delivers', async () => {
    southbound.work.push(
      work('r1/catalog-dmi/1', ['echo one; echo "$GREETING" >&2', 'exit 7', 'cat'], {
        environment: { GREETING: `it's "so"` },
      }),
    );
    startAgent();
    const report = await southbound.report('r1/catalog-dmi/1');

    expect(report.results).toEqual([
      { code: 0, stdout: 'one\n', stderr: `it's "so"\n` },
      { code: 7, stdout: '', stderr: '' },
      { code: 0, stdout: '', stderr: '' },
    ]);
    const exchange = await southbound.request(isSession);
    expect(JSON.parse(exchange.body.toString())).toEqual({
      bootId: 'boot-1',
      secret: 's3cret',
      kernelBootId,
      uuid: '4c414230-0000-4000-8000-000000000001',
      macs: ['52:54:00:77:01:00'],
    });
    await southbound.request(isWork, 2);
    expect(output).toContain(
      'RACKWRIGHT agent session node-1\nRACKWRIGHT work r1/catalog-dmi/1\nRACKWRIGHT done r1/catalog-dmi/1\n',
    );
  });

  test('runs a repeated attempt once, and answers it with the recorded result', async () => {
    const again = work('r1/erase/1', [`echo ran >>"${home}/ran"; date +%N`]);
    southbound.work.push(again, again, work('r1/erase/2', ['echo other']));
    startAgent();
    const second = await southbound.report('r1/erase/1', 2);

    expect(second).toEqual(await southbound.report('r1/erase/1'));
    await southbound.report('r1/erase/2');
    expect(readFileSync(`${home}/ran`, 'utf8')).toBe('ran\n');
  });

  test('remembers what it ran when it is started again in the same boot', async () => {
    const erase = work('r1/erase/1', ['echo first', `echo ran >>"${home}/ran"; sleep 3`, 'echo never']);
    southbound.work.push(erase);
    const first = startAgent();
    await southbound.request(isWork);
    while (!existsSync(`${home}/ran`)) await new Promise((go) => setTimeout(go, 20));
    await killAgent(first);
    southbound.work.push(erase);
    startAgent();
    const report = await southbound.report('r1/erase/1');

    expect(report.results.map(({ code, interrupted }) => ({ code, interrupted }))).toEqual([
      { code: 0, interrupted: undefined },
      { code: 125, interrupted: true },
    ]);
    expect(readFileSync(`${home}/ran`, 'utf8')).toBe('ran\n');
  });

  test('ends what an agent that was killed left running, before it does anything else', async () => {
    const endless = `(while :; do echo alive >>"${home}/alive"; sleep 0.05; done) & wait`;
    southbound.work.push(work('r1/write/1', [endless]));
    const first = startAgent();
    while (!existsSync(`${home}/alive`)) await new Promise((go) => setTimeout(go, 20));
    await killAgent(first);
    const before = readFileSync(`${home}/alive`, 'utf8');
    await new Promise((go) => setTimeout(go, 500));
    expect(readFileSync(`${home}/alive`, 'utf8').length).toBeGreaterThan(before.length);

    southbound.work.push(work('r1/write/2', [`wc -c <"${home}/alive"; sleep 0.5; wc -c <"${home}/alive"`]));
    startAgent();
    const [result] = (await southbound.report('r1/write/2')).results;
    const [atFirst, later] = (result?.stdout ?? '').split('\n');
    expect(later).toBe(atFirst);
  });

  test('outlives a server that is killed while it polls, works and delivers', async () => {
    startAgent();
    await southbound.request(isWork);
    await southbound.kill();
    await new Promise((go) => setTimeout(go, 300));
    southbound.work.push(
      work('r1/a/1', [`touch "${home}/started"; until [ -e "${home}/go" ]; do sleep 0.05; done; echo done`]),
    );
    await southbound.start();
    while (!existsSync(`${home}/started`)) await new Promise((go) => setTimeout(go, 20));
    await southbound.kill();
    write('go', '');
    await new Promise((go) => setTimeout(go, 300));
    let cuts = 2;
    southbound.answer = ({ path }) => (path.startsWith('/agent/attempts/') && cuts-- > 0 ? 'cut' : undefined);
    await southbound.start();

    expect(await southbound.report('r1/a/1', 3)).toEqual({ results: [{ code: 0, stdout: 'done\n', stderr: '' }] });
  });

  test('exchanges its identity again when its session is void, while polling and while delivering', async () => {
    let refusals = 1;
    southbound.answer = (request) => {
      if (isWork(request) && southbound.requests.filter(isWork).length === 0) return { status: 401 };
      return request.path.startsWith('/agent/attempts/') && refusals-- > 0 ? { status: 401 } : undefined;
    };
    southbound.work.push(work('r1/a/1', [`echo ran >>"${home}/ran"`]));
    startAgent();
    await southbound.report('r1/a/1', 2);
    await southbound.request(isWork, 3);

    expect(southbound.requests.filter(isSession)).toHaveLength(3);
    expect(readFileSync(`${home}/ran`, 'utf8')).toBe('ran\n');
  });

  test.each([
    ['the exchange', isSession],
    ['the poll', isWork],
    ['the delivery', ({ path }: { path: string }) => path.startsWith('/agent/attempts/')],
  ])('stops for good when %s is refused', async (_, fits) => {
    southbound.answer = (request) =>
      fits(request) ? { status: 403, body: { message: 'this boot is over' } } : undefined;
    southbound.work.push(work('r1/a/1', ['true'], { then: 'reboot' }));

    expect(await ended(startAgent())).toBe(3);
    expect(output).toContain('RACKWRIGHT agent refused: this boot is over');
    expect(existsSync(`${home}/ended`)).toBe(false);
  });

  test('asks again after answers that make no sense', async () => {
    const nonsense = ['', 'no work', '<html>', '{"attempt":"r1/a/1"}', `touch "${home}/ran"`, '# rackwright work'];
    nonsense.push(workScript({ attempt: '', commands: [], environment: {}, timeoutSeconds: 1 }));
    southbound.answer = (request) => {
      const seen = southbound.requests.filter(isSession).length;
      if (isSession(request) && seen < 3) return { status: 200, body: [{}, 'no json', { session: 'a b\nc' }][seen] };
      if (isWork(request) && southbound.requests.filter(isWork).length === 1) return { status: 500 };
      return undefined;
    };
    southbound.work.push(...nonsense, work('r1/a/1', ['echo at last']));
    startAgent();

    expect((await southbound.report('r1/a/1')).results[0]?.stdout).toBe('at last\n');
    expect(existsSync(`${home}/ran`)).toBe(false);
  });

  test('attempts with odd names stay inside the folder of attempts', async () => {
    southbound.work.push(work('../x%20y/1', ['echo odd']));
    startAgent();
    const odd = await southbound.request(({ path }) => path.startsWith('/agent/attempts/'));

    expect(odd.path).toBe('/agent/attempts/../x%20y/1');
    expect(existsSync(`${home}/state/attempts/at-..%2Fx%20y%2F1/report`)).toBe(true);
  });

  test('delivers output that is no text, and marks what it had to cut', async () => {
    southbound.work.push(
      work('r1/a/1', [
        String.raw`printf 'a\000b\377c'`,
        'head -c 100000 /dev/zero | tr "\\000" x; echo end >&2; exit 4',
        'echo gone',
      ]),
    );
    startAgent({ RACKWRIGHT_OUTPUT_LIMIT: '1000' });
    const { results } = await southbound.report('r1/a/1');

    expect(results[0]).toEqual({ code: 0, stdout: 'a\u0000b\ufffdc', stderr: '' });
    expect(results[1]).toEqual({ code: 4, stdout: 'x'.repeat(995), stderr: '', truncated: true });
    expect(results[2]).toEqual({ code: 0, stdout: '', stderr: '', truncated: true });
  });

  test('delivers outputs of 16 MiB', async () => {
    southbound.work.push(work('r1/a/1', ['head -c 16777216 /dev/zero | tr "\\000" x']));
    startAgent();
    const { results } = await southbound.report('r1/a/1');

    expect(results[0]?.stdout).toHaveLength(16_777_216);
    expect(results[0]?.truncated).toBeUndefined();
  });

  test('sends the codes alone when the report is too large for the server', async () => {
    southbound.answer = ({ body, path }) =>
      path.startsWith('/agent/attempts/') && body.length > 1000 ? { status: 413 } : undefined;
    southbound.work.push(work('r1/a/1', ['head -c 5000 /dev/zero; exit 2']));
    startAgent();

    expect((await southbound.report('r1/a/1', 2)).results).toEqual([
      { code: 2, stdout: '', stderr: '', truncated: true },
    ]);
  });

  test('ends a command that takes too long, and does not wait for what a command leaves behind', async () => {
    southbound.work.push(
      work('r1/a/1', ['echo begun; sleep 30 & sleep 30'], { timeoutSeconds: 1 }),
      work('r1/b/1', ['setsid sh -c "sleep 1.5; echo late" & echo left', 'sleep 1; echo next']),
    );
    startAgent();

    expect((await southbound.report('r1/a/1')).results).toEqual([
      { code: 124, stdout: 'begun\n', stderr: '', timedOut: true },
    ]);
    expect((await southbound.report('r1/b/1')).results).toEqual([
      { code: 0, stdout: 'left\n', stderr: '' },
      { code: 0, stdout: 'next\n', stderr: '' },
    ]);
  });

  test('stops at the first code that it is not to accept when it is told to', async () => {
    southbound.work.push({
      ...work('r1/a/1', [], { stopOnError: true }),
      commands: [
        { command: 'exit 3', acceptedResponseCodes: [0, 3] },
        { command: 'exit 33', ignoreFailure: true },
        { command: 'sleep 30', timeoutSeconds: 1, ignoreFailure: true },
        { command: 'exit 33', acceptedResponseCodes: [0, 3] },
        { command: 'echo never' },
      ],
    });
    startAgent();

    expect((await southbound.report('r1/a/1')).results.map(({ code }) => code)).toEqual([3, 33, 124, 33]);
  });

  test('fetches what a command needs, and does not run the command without it', async () => {
    southbound.answer = ({ path }) =>
      path === '/files/tool.sh?v=2'
        ? { status: 200, body: 'echo fetched "$1"' }
        : path === '/files/none'
          ? { status: 404 }
          : undefined;
    southbound.work.push({
      attempt: 'r1/a/1',
      commands: [
        { command: 'sh tool.sh now; stat -c %a tool.sh', downloadUrl: '/files/tool.sh?v=2' },
        { command: 'echo ran', downloadUrl: `${southbound.url()}/files/none` },
        { command: 'cat tool.sh' },
      ],
    });
    startAgent();
    const { results } = await southbound.report('r1/a/1');

    expect(results.map(({ code, stdout }) => [code, stdout])).toEqual([
      [0, 'fetched now\n555\n'],
      [22, ''],
      [0, 'echo fetched "$1"'],
    ]);
  });

  test.each([
    ['reboot', 'reboot -f\n'],
    ['power-off', 'poweroff -f\n'],
  ] as const)('carries out "then": %s only after the report was accepted', async (then, expected) => {
    let tries = 0;
    southbound.answer = ({ path }) => {
      if (!path.startsWith('/agent/attempts/')) return undefined;
      expect(existsSync(`${home}/ended`)).toBe(false);
      return { status: ++tries < 3 ? 503 : 204 };
    };
    southbound.work.push(work('r1/a/1', ['true'], { then }));
    startAgent();
    await southbound.report('r1/a/1', 3);
    while (!existsSync(`${home}/ended`)) await new Promise((go) => setTimeout(go, 20));

    expect(readFileSync(`${home}/ended`, 'utf8')).toBe(expected);
    expect(southbound.requests.filter(isWork)).toHaveLength(1);
  });

  test.each([409, 400])('drops a report that is answered with %d, and what was to follow it', async (status) => {
    southbound.answer = ({ path }) => (path === '/agent/attempts/r1/a/1' ? { status } : undefined);
    southbound.work.push(work('r1/a/1', ['true'], { then: 'reboot' }), work('r1/a/2', ['echo next']));
    startAgent();
    await southbound.report('r1/a/2');

    expect(existsSync(`${home}/ended`)).toBe(false);
    expect(southbound.requests.filter(({ path }) => path === '/agent/attempts/r1/a/1')).toHaveLength(1);
  });

  test('keeps its token and its secret off every command line and out of its output', async () => {
    southbound.work.push(
      work('r1/a/1', ['for p in /proc/[0-9]*; do tr "\\000" " " <$p/cmdline; done 2>/dev/null; env']),
    );
    startAgent();
    const { results } = await southbound.report('r1/a/1');

    expect(results[0]?.stdout).not.toMatch(/s3cret|session-1/);
    expect(output).not.toMatch(/s3cret|session-1/);
  });
});

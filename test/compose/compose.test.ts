import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { waitFor } from '../../src/lab/wait.ts';
import { runTutorials } from '../support/tutorial.ts';
import { scratchDirectory } from '../support/socket-path.ts';
import { startEngine, type Engine } from './engine.ts';
import { createPhases } from './phases.ts';
import { makeStandIns, standIns } from './stand-ins.ts';

/**
 * docker-compose.yml as it is, on a real engine, from build to `down`. Only the base images are stand-ins: no registry is
 * asked. The tests are one story, told in order; each needs those before it.
 */

const root = join(import.meta.dirname, '../..');
const file = join(root, 'docker-compose.yml');
/** Deadlines are for machines that do much else besides; a run from nothing takes some minutes. */
const minute = 60_000;

interface NodeView {
  readonly id: string;
  readonly name: string;
  readonly state: { readonly name: string };
  readonly bmc?: { readonly address: string };
  readonly createdAt: string;
}

let engine: Engine;
const phases = createPhases();
const scratch = scratchDirectory();

/** For who watches: jest shows nothing before a file's end. */
function tell(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** docker-compose with the profile `lab`, on the given file. */
async function compose(...words: string[]): Promise<string> {
  return await composeWith(file, ...words);
}

async function composeWith(path: string, ...words: string[]): Promise<string> {
  const argv = ['docker-compose', '--project-directory', root, '-f', path, '--profile', 'lab', ...words];
  return await engine.docker(argv, 30 * minute);
}

async function curl(path: string, ...options: string[]): Promise<string> {
  const argv = ['curl', '--silent', '--show-error', '--fail', '--max-time', '20', ...options, `localhost:9090${path}`];
  const { code, stdout, stderr } = await engine.onHost(argv, { deadlineMs: 30_000 });
  if (code !== 0) throw new Error(`${argv.join(' ')}: ${stderr}`);
  return stdout;
}

async function getJson<T>(path: string): Promise<T> {
  return JSON.parse(await curl(path)) as T;
}

async function computeNodes(): Promise<NodeView[]> {
  const { items } = await getJson<{ items: NodeView[] }>('/nodes?type=compute');
  return items;
}

/** Waits for so many discovered nodes, oldest first. */
async function discovered(count: number): Promise<NodeView[]> {
  const look = async (): Promise<NodeView[] | undefined> => {
    // On a machine with too much to do an answer may take longer than `curl` waits.
    const all = await computeNodes().catch((): NodeView[] => []);
    const nodes = all.filter(({ state }) => state.name === 'discovered');
    return nodes.length >= count ? nodes.toSorted((a, b) => a.createdAt.localeCompare(b.createdAt)) : undefined;
  };
  return await waitFor(`${count} discovered nodes`, look, { deadlineMs: 15 * minute, stepMs: 1_000 });
}

async function power(id: string): Promise<string> {
  return (await getJson<{ power: string }>(`/nodes/${id}/power`)).power;
}

async function setPower(id: string, action: string): Promise<void> {
  const body = ['--header', 'content-type: application/json', '--data', JSON.stringify({ action })];
  const operation = JSON.parse(await curl(`/nodes/${id}/power`, ...body)) as { id: string };
  const done = async (): Promise<string | undefined> => {
    const { state } = await getJson<{ state: string }>(`/operations/${operation.id}`);
    return state === 'running' ? undefined : state;
  };
  expect(await waitFor(`power ${action}`, done, { deadlineMs: 5 * minute, stepMs: 500 })).toBe('succeeded');
}

async function health(service: string): Promise<string> {
  const id = (await compose('ps', '-q', service)).trim();
  return (await engine.docker(['docker', 'inspect', '-f', '{{.State.Health.Status}}', id])).trim();
}

let failed = false;

/** A step of the story: not tried once one before it failed. */
function step(work: () => Promise<void>): () => Promise<void> {
  return async () => {
    if (failed) throw new Error('not tried: a step before this one failed');
    failed = true;
    await work();
    failed = false;
  };
}

beforeAll(async () => {
  engine = await phases.time('engine', startEngine);
  const list = Object.entries(standIns).map(([image, what]) => `  ${image}: ${what}`);
  tell(['These images are not pulled; in their place:', ...list].join('\n'));
  await makeStandIns(engine, phases);
}, 30 * minute);

afterAll(async () => {
  try {
    tell(phases.report(join(root, '.cache/compose/phases.json')));
  } finally {
    await (engine as Engine | undefined)?.stop();
    scratch.remove();
  }
}, 2 * minute);

test(
  'the images build',
  step(async () => {
    await phases.time('docker-compose build', async () => await compose('build'));
    const sizes = await engine.docker(['docker', 'images', '--format', '{{.Repository}} {{.Size}}']);
    expect(sizes).toMatch(/^rackwright /m);
    expect(sizes).toMatch(/^rackwright-lab-node /m);
    tell(sizes);
  }),
  31 * minute,
);

test(
  '`up` ends with every service healthy, without a route to the outside',
  step(async () => {
    await engine.cutOff();
    await phases.time('up until healthy', async () => await compose('up', '-d', '--build'));
    expect(await Promise.all(['mongo', 'redis', 'rackwright'].map(health))).toEqual(['healthy', 'healthy', 'healthy']);
  }),
  10 * minute,
);

test(
  'the server is not root, and may bind low ports and nothing else',
  step(async () => {
    const status = await compose('exec', '-T', 'rackwright', 'cat', '/proc/1/status');
    expect(status).toMatch(/^Uid:\t10001\t10001\t10001\t10001$/m);
    // Bit 10: CAP_NET_BIND_SERVICE (capability.h).
    expect(status).toMatch(/^CapEff:\t0000000000000400$/m);
    expect(status).toMatch(/^CapBnd:\t0000000000000400$/m);
  }),
  1 * minute,
);

test(
  'the API answers by TLS on port 9093, with the certificate that the server made',
  step(async () => {
    const pem = await compose('exec', '-T', 'rackwright', 'sed', '-n', '/BEGIN CERT/,/END CERT/p', 'tls/admin.pem');
    const path = join(scratch.path, 'rackwright.pem');
    writeFileSync(path, pem);
    const { stdout } = await engine.onHost(['curl', '--silent', '--cacert', path, 'https://localhost:9093/healthz']);
    expect(JSON.parse(stdout)).toMatchObject({ ok: true });
  }),
  minute,
);

test(
  'a node is discovered, and `curl localhost:9090/nodes?type=compute` shows it',
  step(async () => {
    const [node] = await phases.time('node discovered', async () => await discovered(1));
    expect(node).toMatchObject({ name: '52:54:00:77:01:00', bmc: { address: '172.31.128.11' } });
    tell(`$ curl 'localhost:9090/nodes?type=compute'\n${await curl('/nodes?type=compute')}`);
  }),
  16 * minute,
);

test(
  'every line of RackHD’s tutorials that we serve runs as it stands',
  step(async () => {
    // Some are typed inside RackHD's own machine, where its API is on 8080.
    const forwarding = engine.startOnHost([
      process.execPath,
      join(root, 'test/support/tutorial-ports.ts'),
      '9090',
      '8080',
    ]);
    try {
      await forwarding.until(/forwarding/);
      const run = async (argv: readonly string[]) => {
        const { code, ...said } = await engine.onHost(argv, { deadlineMs: minute });
        return { code: code ?? -1, ...said };
      };
      const problems = await phases.time('RackHD’s tutorials', async () => await runTutorials({ run, get: getJson }));
      expect(problems).toEqual([]);
    } finally {
      await forwarding.stop();
    }
  }),
  10 * minute,
);

test(
  'its power follows the API, with the user that discovery made on its BMC',
  step(async () => {
    const [node] = await computeNodes();
    const id = node?.id ?? '';
    expect(await power(id)).toBe('on');
    await phases.time('power off, on, off', async () => {
      for (const action of ['off', 'on', 'off']) {
        await setPower(id, action);
        expect(await power(id)).toBe(action);
      }
    });
    expect(await compose('logs', '--no-color', 'node1')).toMatch(/the BMC was told: set power 0/);
  }),
  10 * minute,
);

test(
  'a server in a new container knows its nodes and their secrets',
  step(async () => {
    const before = await computeNodes();
    await phases.time('rackwright made anew', async () => {
      await compose('up', '-d', '--no-deps', '--force-recreate', 'rackwright');
      const healthy = async (): Promise<true | undefined> =>
        (await health('rackwright')) === 'healthy' ? true : undefined;
      await waitFor('health', healthy, { deadlineMs: 5 * minute, stepMs: 500 });
    });
    expect(await computeNodes()).toEqual(before);
    expect(await power(before[0]?.id ?? '')).toBe('off');
  }),
  10 * minute,
);

test(
  'a second node is one line',
  step(async () => {
    const text = readFileSync(file, 'utf8');
    const more = text.replace(/^ {2}# (node2: .*)$/m, '  $1');
    expect(more).not.toBe(text);
    const path = join(scratch.path, 'docker-compose.yml');
    writeFileSync(path, more);
    await composeWith(path, 'up', '-d', '--no-recreate');
    const nodes = await phases.time('second node (UEFI) discovered', async () => await discovered(2));
    expect(nodes.map(({ name }) => name)).toEqual(['52:54:00:77:01:00', '52:54:00:77:02:00']);
    await composeWith(path, 'rm', '-f', '-s', '-v', 'node2');
  }),
  16 * minute,
);

test(
  '`down -v` leaves nothing',
  step(async () => {
    await phases.time('down', async () => await compose('down', '-v'));
    const list = async (...words: string[]): Promise<string> =>
      (await engine.docker(['docker', ...words, '-q'])).trim();
    expect(await list('ps', '-a')).toBe('');
    expect(await list('volume', 'ls')).toBe('');
    expect(await engine.docker(['docker', 'network', 'ls', '--format', '{{.Name}}'])).not.toMatch(/rackhd/);
  }),
  10 * minute,
);

import { createHash } from 'node:crypto';
import { cpSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { runOk } from '../../src/lab/run.ts';
import { mongoJars } from '../support/mongo.ts';
import { scratchDirectory } from '../support/socket-path.ts';
import type { Engine } from './engine.ts';
import type { Phases } from './phases.ts';

const sources = join(import.meta.dirname, 'stand-ins');
const authorities = '/usr/local/share/ca-certificates';
const buildMs = 1_200_000;

/** The images that docker-compose.yml and Dockerfile name and this engine does not pull, and what they are here. */
export const standIns = {
  'debian:12-slim': 'a minimal Debian 12 by mmdebstrap',
  'node:24-bookworm-slim': 'that, with Node and npm of this machine',
  'redis:7': 'that, with Redis 7.0 of Debian 12',
  'mongo:7': "that, with a Java program that speaks MongoDB's protocol over memory (no durability)",
} as const;

/** Makes the images, or takes them from the cache. */
export async function makeStandIns(engine: Engine, { time }: Phases): Promise<void> {
  await time('debian:12-slim', async () => {
    await makeDebian(engine);
  });
  await time('node:24-bookworm-slim', async () => {
    await makeNode(engine);
  });
  await time('redis:7', async () => {
    await build(engine, 'redis:7', join(sources, 'redis'));
  });
  await time('mongo:7', async () => {
    await makeMongo(engine);
  });
}

async function makeDebian({ docker }: Engine): Promise<void> {
  const inputs = digest([join(sources, 'debian'), authorities]);
  const have = await docker(['docker', 'image', 'inspect', '-f', '{{.Config.Labels.inputs}}', 'debian:12-slim']).catch(
    () => '',
  );
  if (have.trim() === inputs) return;
  const tar = scratchDirectory();
  const file = join(tar.path, 'debian.tar');
  try {
    await runOk(['sh', '-c', '"$1" >"$2"', 'sh', join(sources, 'debian/build'), file], { deadlineMs: buildMs });
    await docker(['docker', 'import', '-c', `LABEL inputs=${inputs}`, file, 'debian:12-slim'], buildMs);
  } finally {
    tar.remove();
  }
}

async function makeNode(engine: Engine): Promise<void> {
  await withContext('node', async (context) => {
    cpSync(process.execPath, join(context, 'node'));
    const packed = await runOk(['npm', 'pack', '--silent', 'npm@11'], { cwd: context, deadlineMs: 60_000 });
    await runOk(['tar', '-xzf', packed.trim()], { cwd: context });
    await build(engine, 'node:24-bookworm-slim', context);
  });
}

async function makeMongo(engine: Engine): Promise<void> {
  await withContext('mongo', async (context) => {
    const server = join(context, 'server');
    cpSync(mongoJars(), server, { recursive: true });
    const main = join(import.meta.dirname, '../support/mongo-server/Main.java');
    await runOk(['javac', '-cp', join(server, '*'), '-d', server, main], { deadlineMs: 60_000 });
    await build(engine, 'mongo:7', context);
  });
}

async function withContext(name: string, work: (context: string) => Promise<void>): Promise<void> {
  const scratch = scratchDirectory();
  try {
    const context = join(scratch.path, name);
    mkdirSync(context);
    cpSync(join(sources, name), context, { recursive: true });
    await work(context);
  } finally {
    scratch.remove();
  }
}

async function build({ docker }: Engine, image: string, context: string): Promise<void> {
  await docker(['docker', 'build', '--tag', image, context], buildMs);
}

/** Of all files in the directories, with their names. */
function digest(directories: readonly string[]): string {
  const hash = createHash('sha256');
  for (const directory of directories) {
    for (const name of listFiles(directory)) hash.update(`${name}\n`).update(readFileSync(join(directory, name)));
  }
  return hash.digest('hex');
}

function listFiles(directory: string): string[] {
  try {
    return readdirSync(directory).toSorted();
  } catch {
    return [];
  }
}

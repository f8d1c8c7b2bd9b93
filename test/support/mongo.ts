import { execFileSync, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const root = join(import.meta.dirname, '..', '..');
const sources = join(import.meta.dirname, 'mongo-server');
const jars = join(root, '.cache', 'mongo-server');

/** A MongoDB to test against. */
export interface MongoServer {
  readonly url: string;
  readonly stop: () => Promise<void>;
}

/** The server that MONGODB_URL names, or a stand-in: a Java program that speaks MongoDB's protocol over memory. */
export async function startMongo(): Promise<MongoServer> {
  const given = process.env.MONGODB_URL;
  if (given) return { url: given, stop: () => Promise.resolve() };
  const java = spawn('java', ['-Xmx512m', '-cp', join(mongoJars(), '*'), join(sources, 'Main.java')], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const ended = once(java, 'exit');
  const url = await Promise.race([
    once(createInterface({ input: java.stdout }), 'line').then(([line]) => String(line)),
    ended.then(([code]) => Promise.reject(new Error(`the MongoDB stand-in ended with code ${String(code)}`))),
  ]);
  return {
    url,
    stop: async () => {
      java.stdin.end();
      await ended;
    },
  };
}

/** The directory of the stand-in's jars; they are fetched where they are missing. */
export function mongoJars(): string {
  if (!existsSync(jars)) fetchJars();
  return jars;
}

/** A name for a database that no other test uses. */
export function freshDatabase(): string {
  return `rackwright_test_${randomBytes(6).toString('hex')}`;
}

/** By way of a directory of our own, so that two test processes do not spoil each other's jars. */
function fetchJars(): void {
  const partial = `${jars}.${process.pid}`;
  mkdirSync(partial, { recursive: true });
  try {
    const goal = 'org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies';
    execFileSync('mvn', ['-q', '-B', '-f', join(sources, 'pom.xml'), goal, `-DoutputDirectory=${partial}`]);
    if (!existsSync(jars)) renameSync(partial, jars);
  } catch (cause) {
    throw new Error(
      'the MongoDB stand-in cannot be fetched (apt-get install --no-install-recommends maven openjdk-17-jdk-headless, ' +
        'or set MONGODB_URL)',
      { cause },
    );
  } finally {
    rmSync(partial, { recursive: true, force: true });
  }
}

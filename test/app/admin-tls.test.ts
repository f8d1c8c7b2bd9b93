import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { get } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { configSchema } from '../../src/config-schema.ts';
import { adminIdentity, type AdminTlsDeps } from '../../src/app/admin-tls.ts';
import { createListener, type Listener } from '../../src/http/listener.ts';
import { createLog } from '../../src/log.ts';
import { selfSigned } from '../../src/secrets/certificate.ts';

const log = createLog('silent');
const now = () => new Date();
let dataDir: string;
let listener: Listener | undefined;

beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'rw-tls-'));
});
afterEach(async () => {
  await listener?.stop();
  listener = undefined;
  await rm(dataDir, { recursive: true });
});

function deps(admin: Record<string, unknown> = {}): AdminTlsDeps {
  return { admin: configSchema.parse({ admin: { tlsPort: 9093, ...admin } }).admin, dataDir, log, now };
}

/** Asks the way a browser that trusts only `ca` would. */
async function askTls(port: number, ca: string): Promise<string> {
  return await new Promise((resolve, reject) => {
    get({ host: 'localhost', port, ca, agent: false }, (response) => {
      response.setEncoding('utf8');
      response.on('data', resolve);
    }).on('error', reject);
  });
}

async function serve(tls: () => ReturnType<typeof adminIdentity>): Promise<number> {
  listener = createListener({
    name: 'admin',
    addresses: [{ address: '127.0.0.1', port: 0, tls }],
    handler: (_request, response) => response.end('hello'),
    log,
  });
  await listener.start();
  const [url = ''] = listener.urls();
  expect(url).toMatch(/^https:\/\/127\.0\.0\.1:\d+$/);
  return Number(new URL(url).port);
}

test('a server that was given no certificate makes one, and keeps it for its owner alone', async () => {
  const first = await adminIdentity(deps());
  const file = join(dataDir, 'tls/admin.pem');
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  const again = await adminIdentity(deps());
  expect(again.cert).toContain(first.cert);
  const port = await serve(() => adminIdentity(deps()));
  expect(await askTls(port, first.cert)).toBe('hello');
  expect(await readFile(file, 'utf8')).toBe(first.cert + first.key);
});

test('who does not trust it gets nothing', async () => {
  const port = await serve(() => adminIdentity(deps()));
  const until = new Date('2099-01-01T00:00:00Z');
  const other = selfSigned({ dnsNames: ['localhost'], addresses: [], from: now(), until });
  await expect(askTls(port, other.cert)).rejects.toThrow(/certificate/);
});

test('an answer by TLS that is under way when the server drains is finished', async () => {
  const identity = await adminIdentity(deps());
  let finish: () => void = () => undefined;
  const asked = new Promise<void>((resolve) => {
    listener = createListener({
      name: 'admin',
      addresses: [{ address: '127.0.0.1', port: 0, tls: () => Promise.resolve(identity) }],
      handler: (_request, response) => {
        finish = () => response.end('late');
        resolve();
      },
      log,
    });
  });
  await listener?.start();
  const answer = askTls(Number(new URL(listener?.urls()[0] ?? '').port), identity.cert);
  await asked;
  const drained = listener?.drain();
  finish();
  expect(await answer).toBe('late');
  await drained;
});

test('files of the operator', async () => {
  const until = new Date('2099-01-01T00:00:00Z');
  const given = selfSigned({ dnsNames: ['localhost'], addresses: [], from: now(), until });
  const other = selfSigned({ dnsNames: ['localhost'], addresses: [], from: now(), until });
  const [tlsCert, tlsKey, wrongKey] = ['cert.pem', 'key.pem', 'wrong.pem'].map((name) => join(dataDir, name)) as [
    string,
    string,
    string,
  ];
  await writeFile(tlsCert, given.cert);
  await writeFile(tlsKey, given.key);
  await writeFile(wrongKey, other.key);
  expect(await adminIdentity(deps({ tlsCert, tlsKey }))).toEqual(given);
  await expect(adminIdentity(deps({ tlsCert, tlsKey: wrongKey }))).rejects.toThrow(
    `admin.tlsKey: expected the key of the certificate in ${tlsCert}, both as PEM`,
  );
  const missing = join(dataDir, 'none.pem');
  await expect(adminIdentity(deps({ tlsCert: missing, tlsKey }))).rejects.toThrow(
    `admin.tlsCert: expected a PEM file, and ${missing} cannot be read`,
  );
});
